"""The language model's opinion on spans: it judges doubtful candidates, or finds its own.

Which of the two is said by the prompt of the guideline. `verify` asks about one marked
candidate at a time and is cheap: the answer is one label, scored. `spans` asks for all spans of
a text as quotes; it needs a larger model, and is used as well where nothing was found before.
"""

from __future__ import annotations

from collections.abc import Sequence

from llmlabel.domain.answer import Span, SpansAnswer
from llmlabel.domain.document import Document
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.prediction import Outcome, Prediction, Unit
from llmlabel.labelers.llm_common import counted, failure_in, source_of
from llmlabel.labelers.llm_extract import Extraction
from llmlabel.labelers.window import window
from llmlabel.llm.protocol import ChatModel, Prompt, Scores
from llmlabel.privacy import OpenVeil, Veil
from llmlabel.prompts import PromptLibrary, PromptTemplate
from llmlabel.prompts.worked import NOTHING

VERIFY, EXTRACT = "verify@1.0.0", "spans@1.0.0"
SURE = 0.7
"""A span that an earlier labeler gives at least this is not asked about."""
WORTH_ASKING = 0.1
"""A span that an earlier labeler left out is asked about from this probability on."""
MOST = 40
"""Candidates of one document that are asked about, the most doubtful first."""


class LlmSpans:
    """Second opinion on spans, by a language model.

    Args:
        model: The language model.
        prompts: Holds the guideline's prompt, `verify@1.0.0` and `spans@1.0.0`.
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
        """One prediction per document; see `Labeler.predict`."""
        prompt = self._prompts.get(guideline.prompt or VERIFY)
        found = [_latest(said) for said in earlier]
        verifies = prompt.name != "spans"
        judged = [i for i, prediction in enumerate(found) if verifies and prediction is not None]
        fresh = [i for i in range(len(documents)) if i not in set(judged)]
        made: dict[int, Prediction] = {}
        if judged:
            pairs = [(documents[i], found[i]) for i in judged]
            known = [(document, each) for document, each in pairs if each is not None]
            made.update(zip(judged, await self._verify(known, guideline, prompt), strict=True))
        if fresh:
            extracts = self._prompts.get(EXTRACT) if verifies else prompt
            extraction = Extraction(self._model, extracts, self._veil)
            said = await extraction.predict([documents[i] for i in fresh], guideline)
            made.update(zip(fresh, said, strict=True))
        return [made[i] for i in range(len(documents))]

    async def _verify(
        self,
        pairs: Sequence[tuple[Document, Prediction]],
        guideline: Guideline,
        prompt: PromptTemplate,
    ) -> list[Prediction]:
        asked = [candidates(prediction.units) for _, prediction in pairs]
        task = await self._veil.task(guideline)
        shown = await self._veil.shown([document.text for document, _ in pairs])
        redacts = self._veil.redacts
        asks: list[Prompt] = []
        for each, units in zip(shown, asked, strict=True):
            for unit in units:
                text, mark = window(each.text, *each.inward(unit.start, unit.end))
                asks.append(prompt.render(task, text, mark=mark, redacted=redacts))
        labels = [*guideline.label_names, NOTHING]
        results = iter(await self._model.score(asks, labels) if asks else ())
        return [
            self._judgement(
                prediction,
                units,
                [next(results) for _ in units],
                labels,
                prompt,
                counted(each, self._veil),
            )
            for (_, prediction), units, each in zip(pairs, asked, shown, strict=True)
        ]

    def _judgement(
        self,
        earlier: Prediction,
        asked: Sequence[Unit],
        results: Sequence[Scores | Exception],
        labels: Sequence[str],
        prompt: PromptTemplate,
        redacted: dict[str, int] | None,
    ) -> Prediction:
        scores = [result for result in results if isinstance(result, Scores)]
        usages = [each.usage for each in scores]
        source = source_of(self.name, self._model, prompt, usages, redacted)
        failure = failure_in(results, source)
        if failure is not None:
            return failure
        judged = {
            (unit.start, unit.end): judge(unit, dict(zip(labels, each.probabilities, strict=True)))
            for unit, each in zip(asked, scores, strict=True)
        }
        units = [judged.get((unit.start, unit.end), unit) for unit in earlier.units]
        own = [each.probability or 0.0 for each in judged.values()]
        return Prediction(
            answer=SpansAnswer(
                spans=tuple(Span(start=u.start, end=u.end, label=u.label) for u in units if u.kept)
            ),
            probability=min([*own, *([earlier.probability or 0.0] if not own else [])]),
            method="verify",
            evidence={"asked": float(len(asked)), "min_verified": min(own, default=1.0)},
            units=tuple(units),
            source=source,
            detail="" if asked else "no single span was doubtful enough to ask about",
        )


def candidates(units: Sequence[Unit]) -> list[Unit]:
    """The spans worth asking about, most doubtful first where there are too many."""
    worth = [
        unit
        for unit in units
        if not unit.note
        and (
            (unit.probability or 0.0) < SURE
            if unit.kept
            else (unit.probability or 0.0) >= WORTH_ASKING
        )
    ]
    worth.sort(key=lambda unit: abs((unit.probability or 0.0) - 0.5))
    return sorted(worth[:MOST], key=lambda unit: unit.start)


def judge(unit: Unit, probabilities: dict[str, float]) -> Unit:
    """The model's view of a candidate: its best label, or that it is nothing (not kept)."""
    ranked = sorted(probabilities, key=lambda label: -probabilities[label])
    best = ranked[0]
    kept = best != NOTHING
    label = best if kept else next((each for each in ranked if each != NOTHING), unit.label)
    return Unit(
        start=unit.start,
        end=unit.end,
        label=label,
        probability=min(1.0, probabilities[best] if kept else probabilities[label]),
        evidence={f"llm:{each}": probabilities[each] for each in ranked[:4]}
        | {
            f"llm:{NOTHING}": probabilities[NOTHING],
            f"llm:{unit.label}": probabilities[unit.label],
        },
        kept=kept,
        by=("llm",),
        alternative=next((each for each in ranked if each not in (label, NOTHING)), None),
    )


def _latest(said: Sequence[Prediction]) -> Prediction | None:
    """The last answer in spans before this labeler, None where there is none to judge."""
    answered = [
        each
        for each in said
        if each.outcome is Outcome.ANSWERED and isinstance(each.answer, SpansAnswer)
    ]
    return answered[-1] if answered else None
