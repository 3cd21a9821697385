"""What the language-model labelers of spans and tokens share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from llmlabel.domain.prediction import Prediction, Source
from llmlabel.errors import ModelError
from llmlabel.labelers.failure import failed
from llmlabel.llm.protocol import ChatModel, Usage
from llmlabel.privacy import Shown, Veil
from llmlabel.prompts import PromptTemplate


def source_of(
    labeler: str,
    model: ChatModel,
    prompt: PromptTemplate,
    usages: Iterable[Usage] = (),
    redacted: dict[str, int] | None = None,
) -> Source:
    """The provenance of a prediction that took these calls."""
    seen = list(usages)
    costs = [usage.cost_usd for usage in seen]
    return Source(
        labeler=labeler,
        **makers(model, seen),
        prompt=prompt.ref,
        prompt_sha256=prompt.sha256,
        seconds=sum(usage.seconds for usage in seen),
        prompt_tokens=sum(usage.prompt_tokens for usage in seen),
        completion_tokens=sum(usage.completion_tokens for usage in seen),
        cost_usd=None if None in costs else sum(cost or 0.0 for cost in costs),
        cached=bool(seen) and all(usage.cached for usage in seen),
        redacted=redacted,
    )


def counted(shown: Shown, veil: Veil) -> dict[str, int] | None:
    """What of a text was masked, for the provenance; None where nothing had to be."""
    return shown.counts() if veil.redacts else None


def makers(model: ChatModel, usages: Iterable[Usage]) -> dict[str, str | None]:
    """Which model answered, and whether in the place of the one that was asked first."""
    names = dict.fromkeys(usage.answered_by or model.name for usage in usages)
    stood_in = any(name != model.name for name in names)
    return {
        "model": "+".join(names) or model.name,
        "fallback_for": model.name if stood_in else None,
    }


def failure_in(results: Sequence[object], source: Source) -> Prediction | None:
    """The outcome of the first failure among the model's results, None where all answered."""
    for result in results:
        if isinstance(result, ModelError):
            return failed(result, source)
        if isinstance(result, Exception):
            raise result
    return None
