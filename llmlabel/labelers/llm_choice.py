"""The language model's choice of one label, by the probability of each label's own name."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from llmlabel.domain.answer import ChoiceAnswer
from llmlabel.domain.document import Document
from llmlabel.domain.guideline import Example, Guideline
from llmlabel.domain.prediction import Prediction, Source
from llmlabel.errors import ModelError
from llmlabel.labelers.example_pool import NearestExamples
from llmlabel.labelers.failure import failed
from llmlabel.labelers.llm_common import counted, makers
from llmlabel.labelers.shortlist import Shortlist
from llmlabel.llm.protocol import ChatModel, Scores
from llmlabel.privacy import OpenVeil, Veil
from llmlabel.prompts import PromptTemplate, shown_examples

FloatArray = npt.NDArray[np.float64]

MODEL_WEIGHT, SIMILARITY_SCALE = 0.3, 0.05
"""How a shortlisted label's probability weighs the model's log-probability against the cosine
similarity: exponents of a product of experts, chosen on 200 training texts of two intent sets
with 77 and 151 labels, where either expert alone was right less often than both."""

MIN_CALIBRATION_BATCH = 32
"""Fewer documents than this say too little of the model's bias for batch calibration."""


class LlmChoice:
    """Asks a language model which label fits; labels beyond the shortlist are not offered.

    Args:
        model: The language model.
        prompt: The template, with the blocks of `prompts/choice`.
        shortlist: Picks the candidates of a document where the guideline has more labels than
            its policy's `shortlist`.
        nearest: Finds verified labels to show, as many as the policy's `verified_examples`.
        veil: Says what the model is shown of a text.
    """

    name = "llm"

    def __init__(
        self,
        model: ChatModel,
        prompt: PromptTemplate,
        shortlist: Shortlist | None = None,
        nearest: NearestExamples | None = None,
        veil: Veil | None = None,
    ) -> None:
        self._model = model
        self._prompt = prompt
        self._shortlist = shortlist
        self._nearest = nearest
        self._veil = veil or OpenVeil()

    def with_nearest(self, nearest: NearestExamples) -> LlmChoice:
        """The same labeler, which shows verified labels as well."""
        return LlmChoice(self._model, self._prompt, self._shortlist, nearest, self._veil)

    async def predict(
        self,
        documents: Sequence[Document],
        guideline: Guideline,
        earlier: Sequence[Sequence[Prediction]],
    ) -> Sequence[Prediction]:
        """One prediction per document; see `Labeler.predict`."""
        task = await self._veil.task(guideline)
        examples = shown_examples(task)
        names = guideline.label_names
        verified = await self._veil.examples(await self._verified(documents, guideline))
        seen = await self._veil.shown([document.text for document in documents])
        prompts = [
            self._prompt.render(
                task, each.text, examples=examples, nearest=near, redacted=self._veil.redacts
            )
            for each, near in zip(seen, verified, strict=True)
        ]
        if self._shortlist is not None and len(names) > guideline.policy.shortlist:
            priors = await self._shortlist.similarities([d.text for d in documents], guideline)
            # Whatever label is shown in an example is offered as well.
            shown = np.zeros_like(priors)
            for row, near in enumerate(verified):
                shown[row, [names.index(e.label) for e in near if e.label in names]] = 2
            best = np.argsort(-priors - shown, axis=1, kind="stable")
            best = best[:, : guideline.policy.shortlist]
            candidates = [[names[i] for i in row] for row in best]
            likeness: list[FloatArray | None] = [
                row[order].astype(np.float64) for row, order in zip(priors, best, strict=True)
            ]
            scored = await self._model.score(prompts, candidates)
        else:
            candidates = [list(names)] * len(documents)
            likeness = [None] * len(documents)
            scored = await self._model.score(prompts, names)
        bias = _batch_bias(scored, candidates, guideline) if _calibrates(guideline, scored) else {}
        return [
            self._prediction(
                scores, offered, near, bias, (*examples, *more), counted(each, self._veil)
            )
            for scores, offered, near, more, each in zip(
                scored, candidates, likeness, verified, seen, strict=True
            )
        ]

    async def _verified(
        self, documents: Sequence[Document], guideline: Guideline
    ) -> list[list[Example]]:
        policy = guideline.policy
        if self._nearest is None or not policy.verified_examples:
            return [[] for _ in documents]
        return await self._nearest.find(documents, policy.verified_examples, policy.example_tokens)

    def _prediction(
        self,
        scores: Scores | Exception,
        candidates: Sequence[str],
        likeness: FloatArray | None,
        bias: dict[str, float],
        examples: Sequence[Example],
        redacted: dict[str, int] | None,
    ) -> Prediction:
        source = Source(
            labeler=self.name,
            model=self._model.name,
            prompt=self._prompt.ref,
            prompt_sha256=self._prompt.sha256,
            examples=tuple(example.id for example in examples),
            redacted=redacted,
        )
        if isinstance(scores, Exception):
            if not isinstance(scores, ModelError):
                raise scores
            return failed(scores, source)
        probabilities = np.asarray(scores.probabilities, dtype=np.float64)
        method: str = scores.method
        evidence = {"model_top_probability": float(probabilities.max())}
        if bias and scores.usage.answered_by is None:
            probabilities = _normalised(
                _log(probabilities) - np.array([bias[name] for name in candidates])
            )
            method += "+batch_calibration"
        if likeness is not None:
            evidence["top_similarity"] = float(likeness.max())
            evidence["agreement"] = float(likeness.argmax() == probabilities.argmax())
            probabilities = _normalised(
                MODEL_WEIGHT * _log(probabilities) + likeness / SIMILARITY_SCALE
            )
            method += "+similarity"
        order = np.argsort(-probabilities, kind="stable")
        best, second = probabilities[order[0]], probabilities[order[1]]
        usage = scores.usage
        return Prediction(
            answer=ChoiceAnswer(label=candidates[order[0]]),
            probability=float(min(best, 1.0)),
            method=method,
            evidence=evidence
            | {
                "top_probability": float(best),
                "margin": float(best - second),
                "entropy": float(-np.sum(probabilities * _log(probabilities))),
                "candidates": float(len(candidates)),
            },
            scores={candidates[i]: float(probabilities[i]) for i in order},
            source=source.model_copy(
                update={
                    **makers(self._model, [usage]),
                    "seconds": usage.seconds,
                    "prompt_tokens": usage.prompt_tokens,
                    "completion_tokens": usage.completion_tokens,
                    "cost_usd": usage.cost_usd,
                    "cached": usage.cached,
                }
            ),
            detail=(
                f"{candidates[order[0]]} {best:.2f} against {candidates[order[1]]} {second:.2f}"
                if best < 0.9
                else ""
            ),
        )


def _normalised(logits: FloatArray) -> FloatArray:
    normalised: FloatArray = np.exp(logits - np.logaddexp.reduce(logits))
    return normalised


def _log(probabilities: FloatArray) -> FloatArray:
    return np.log(np.maximum(probabilities, 1e-12))


def _is_own(scores: Scores | Exception) -> bool:
    """Whether the model itself answered: a fallback has another bias."""
    return isinstance(scores, Scores) and scores.usage.answered_by is None


def _calibrates(guideline: Guideline, scored: Sequence[Scores | Exception]) -> bool:
    answered = sum(_is_own(scores) for scores in scored)
    return guideline.policy.batch_calibration and answered >= MIN_CALIBRATION_BATCH


def _batch_bias(
    scored: Sequence[Scores | Exception], candidates: Sequence[Sequence[str]], guideline: Guideline
) -> dict[str, float]:
    """Mean log-probability of every label over the batch.

    Source: Zhou et al. 2023, "Batch Calibration: Rethinking Calibration for In-Context
    Learning and Prompt Engineering", eq. 7.
    """
    seen: dict[str, list[float]] = {name: [] for name in guideline.label_names}
    for scores, offered in zip(scored, candidates, strict=True):
        if isinstance(scores, Scores) and _is_own(scores):
            for name, probability in zip(offered, scores.probabilities, strict=True):
                seen[name].append(math.log(max(probability, 1e-12)))
    means = {name: sum(values) / len(values) for name, values in seen.items() if values}
    floor = min(means.values())
    return {name: means.get(name, floor) for name in seen}
