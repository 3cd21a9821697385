"""The language model's opinion on the tags of those tokens an earlier labeler is unsure of."""

from __future__ import annotations

from collections.abc import Sequence

from llmlabel.domain.answer import Span, TokensAnswer
from llmlabel.domain.document import Document
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.prediction import Outcome, Prediction, Unit
from llmlabel.labelers.llm_common import counted, failure_in, source_of
from llmlabel.labelers.window import window
from llmlabel.llm.protocol import ChatModel, Prompt, Scores
from llmlabel.privacy import OpenVeil, Veil
from llmlabel.prompts import PromptLibrary, PromptTemplate

PROMPT = "tokens@1.0.0"
UNSURE = 0.7
"""A token below this is asked about, if another tag is likely at all."""
MOST = 12
"""Tokens of one document that are asked about, the most doubtful first."""
TAG = "label:"
"""Prefix of the evidence that holds the probability of a tag."""


class LlmTokens:
    """Second opinion on doubtful tokens: each is marked, and its likely tags are scored.

    Args:
        model: The language model.
        prompts: Holds the guideline's prompt, by default `tokens@1.0.0`.
        veil: Says what the model is shown of a text.
    """

    name = "llm"

    def __init__(self, model: ChatModel, prompts: PromptLibrary, veil: Veil | None = None) -> None:
        self._model = model
        self._prompts = prompts
        self._veil = veil or OpenVeil()

    async def predict(
        self,
        documents: Sequence[Document],
        guideline: Guideline,
        earlier: Sequence[Sequence[Prediction]],
    ) -> Sequence[Prediction]:
        """One prediction per document; see `Labeler.predict`.

        Where no earlier labeler found tokens the outcome is `unsupported`: a language model
        does not cut a text into tokens here.
        """
        prompt = self._prompts.get(guideline.prompt or PROMPT)
        found = [_latest(said) for said in earlier]
        asked = [doubtful(each.units) if each else [] for each in found]
        task = await self._veil.task(guideline)
        shown = await self._veil.shown([document.text for document in documents])
        redacts = self._veil.redacts
        prompts: list[Prompt] = []
        offered: list[list[str]] = []
        for each, units in zip(shown, asked, strict=True):
            for unit in units:
                text, mark = window(each.text, *each.inward(unit.start, unit.end))
                prompts.append(prompt.render(task, text, mark=mark, redacted=redacts))
                offered.append(plausible(unit))
        results = iter(await self._model.score(prompts, offered) if prompts else ())
        return [
            self._prediction(
                each,
                units,
                [next(results) for _ in units],
                prompt,
                counted(seen, self._veil),
            )
            for each, units, seen in zip(found, asked, shown, strict=True)
        ]

    def _prediction(
        self,
        earlier: Prediction | None,
        asked: Sequence[Unit],
        results: Sequence[Scores | Exception],
        prompt: PromptTemplate,
        redacted: dict[str, int] | None,
    ) -> Prediction:
        scores = [result for result in results if isinstance(result, Scores)]
        usages = [each.usage for each in scores]
        source = source_of(self.name, self._model, prompt, usages, redacted)
        if earlier is None:
            return Prediction(
                outcome=Outcome.UNSUPPORTED,
                source=source,
                detail="no earlier labeler gave tokens to judge",
            )
        failure = failure_in(results, source)
        if failure is not None:
            return failure
        judged = {
            (unit.start, unit.end): _judged(unit, each)
            for unit, each in zip(asked, scores, strict=True)
        }
        units = tuple(judged.get((unit.start, unit.end), unit) for unit in earlier.units)
        own = [unit.probability or 0.0 for unit in judged.values()]
        return Prediction(
            answer=TokensAnswer(
                tokens=tuple(Span(start=u.start, end=u.end, label=u.label) for u in units)
            ),
            probability=min(own, default=earlier.probability or 0.0),
            method="marked_tokens",
            evidence={"asked": float(len(asked)), "min_verified": min(own, default=1.0)},
            units=units,
            source=source,
            detail="" if asked else "no token was doubtful enough to ask about",
        )


def doubtful(units: Sequence[Unit]) -> list[Unit]:
    """The tokens worth asking about, in order."""
    worth = [u for u in units if (u.probability or 0.0) < UNSURE and len(plausible(u)) > 1]
    worth.sort(key=lambda unit: unit.probability or 0.0)
    return sorted(worth[:MOST], key=lambda unit: unit.start)


def plausible(unit: Unit) -> list[str]:
    """The unit's own tag and those the earlier labeler found likely."""
    others = [key.removeprefix(TAG) for key in unit.evidence if key.startswith(TAG)]
    return list(dict.fromkeys([unit.label, *others]))


def _judged(unit: Unit, scores: Scores) -> Unit:
    ranked = sorted(
        zip(plausible(unit), scores.probabilities, strict=True), key=lambda pair: -pair[1]
    )
    return Unit(
        start=unit.start,
        end=unit.end,
        label=ranked[0][0],
        probability=min(1.0, ranked[0][1]),
        evidence={f"llm:{label}": probability for label, probability in ranked},
        by=("llm",),
        alternative=ranked[1][0],
    )


def _latest(said: Sequence[Prediction]) -> Prediction | None:
    answered = [
        each
        for each in said
        if each.outcome is Outcome.ANSWERED and isinstance(each.answer, TokensAnswer)
    ]
    return answered[-1] if answered else None
