"""Labels with opinions, as a run of the pipeline would leave them, put into a store by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from llmlabel.domain.answer import (
    Answer,
    ChoiceAnswer,
    Span,
    SpansAnswer,
    TokensAnswer,
    TranscriptAnswer,
)
from llmlabel.domain.confidence import Confidence
from llmlabel.domain.document import Document
from llmlabel.domain.label import Label, Route
from llmlabel.domain.prediction import Outcome, Prediction, Source, Unit
from llmlabel.guidelines import GuidelineLibrary
from llmlabel.store import Store

THRESHOLD = 0.9


class Seeder:
    """Puts documents and their labels into a store, each as one review."""

    def __init__(self, store: Store, guidelines: GuidelineLibrary) -> None:
        self.store, self.guidelines = store, guidelines

    def choice(
        self,
        id: str,
        text: str,
        scores: Mapping[str, float],
        *,
        name: str = "sentiment",
        detail: str = "",
        failed: bool = False,
        **more: Any,
    ) -> None:
        """A choice whose best label is proposed; two labelers had a say."""
        ranked = dict(sorted(scores.items(), key=lambda each: -each[1]))
        best, value = next(iter(ranked.items()))
        answer = ChoiceAnswer(label=best)
        other = list(ranked)[1]
        opinions = [
            said(answer, value, "llm", "qwen2.5-coder-1.5b-instruct", scores=ranked, detail=detail),
            said(ChoiceAnswer(label=other), 0.55, "student", "student-3", scores={other: 0.55}),
        ]
        if failed:
            opinions[1] = Prediction(
                outcome=Outcome.UNREADABLE,
                source=Source(labeler="llm", model="large-remote", prompt="choice@1.0.0"),
                detail="Its reply was cut off in the middle of a word.",
            )
        self.save(id, text, name, answer, value, opinions=opinions, scores=ranked, **more)

    def unanswered(self, id: str, text: str, name: str = "sentiment") -> None:
        """A document of which no labeler gave an answer."""
        broken = Prediction(
            outcome=Outcome.REFUSED,
            source=Source(labeler="llm", model="large-remote", prompt="choice@1.0.0"),
            detail="The model refused to answer.",
        )
        self.save(id, text, name, None, 0.0, opinions=[broken])

    def spans(
        self,
        id: str,
        text: str,
        found: Sequence[tuple[str, str, float]],
        *,
        left_out: Sequence[tuple[str, str, float]] = (),
        alternatives: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        """Entities by their words, label and probability; a repeated word means its next place."""
        other = alternatives or {}
        kept = _units(text, found, other, kept=True)
        units = sorted([*kept, *_units(text, left_out, other, kept=False)], key=_place)
        answer = SpansAnswer(spans=tuple(_span(unit) for unit in sorted(kept, key=_place)))
        value = min((p for *_, p in found), default=0.7)
        opinions = [said(answer, value, "spacy", "en_core_web_sm", units=units)]
        self.save(id, text, "ner", answer, value, units=units, opinions=opinions, **more)

    def tokens(
        self, id: str, tagged: str, doubtful: Mapping[str, tuple[str, float]], **more: Any
    ) -> None:
        """A sentence as `word/TAG word/TAG`; doubtful words with their next best tag."""
        words = [part.rsplit("/", 1) for part in tagged.split(" ")]
        text = " ".join(word for word, _ in words)
        units, at = [], 0
        for word, tag in words:
            alternative, probability = doubtful.get(word, (None, 0.99))
            units.append(
                Unit(
                    start=at,
                    end=at + len(word),
                    label=tag,
                    probability=probability,
                    by=("spacy",),
                    alternative=alternative,
                    note=f"as likely {alternative}" if alternative else None,
                )
            )
            at += len(word) + 1
        answer = TokensAnswer(tokens=tuple(_span(unit) for unit in units))
        value = min(unit.probability or 0.0 for unit in units)
        opinions = [said(answer, value, "spacy", "en_core_web_sm", units=units)]
        self.save(id, text, "pos", answer, value, units=units, opinions=opinions, **more)

    def save(
        self,
        id: str,
        text: str,
        name: str,
        answer: Answer | None,
        value: float,
        *,
        language: str | None = "en",
        document: Document | None = None,
        metadata: dict[str, Any] | None = None,
        **changes: Any,
    ) -> None:
        """Accept the document, unless it is stored already, and keep its label."""
        guideline = self.guidelines.get(name)
        if document is None:
            document = Document.of_text(text, id=id, language=language, metadata=metadata)
            self.store.documents.add([document], [guideline.ref])
        label = Label(
            document_id=id,
            text_sha256=document.text_sha256,
            guideline=guideline.ref,
            guideline_sha256=guideline.sha256,
            answer=answer,
            confidence=Confidence(value=value, method="label_path") if answer else None,
            route=Route.REVIEW,
            reason=f"Its confidence {value:.2f} is below the threshold {THRESHOLD}."
            if answer
            else "No labeler gave an answer.",
            threshold=THRESHOLD,
            created_at=datetime.now(UTC),
        )
        changes = {key: _tuple(each) for key, each in changes.items()}
        self.store.labels.save([label.model_copy(update=changes)], 1)


BLIND = {"route": Route.ACCEPTED, "drawn": True, "audit_rate": 0.05, "certificate": "c-seeded"}
"""Of a label that was accepted and drawn for a check; its review is blind."""


def said(answer: Answer, probability: float, labeler: str, model: str, **more: Any) -> Prediction:
    """One labeler's answer."""
    prompt = "choice@1.0.0" if labeler == "llm" else None
    return Prediction(
        answer=answer,
        probability=probability,
        method="label_path",
        source=Source(labeler=labeler, model=model, prompt=prompt, seconds=0.21),
        **{key: _tuple(each) for key, each in more.items()},
    )


def heard(text: str) -> TranscriptAnswer:
    """A transcript as an answer."""
    return TranscriptAnswer(text=text)


def _units(
    text: str,
    found: Sequence[tuple[str, str, float]],
    alternatives: Mapping[str, str],
    *,
    kept: bool,
) -> list[Unit]:
    units, searched = [], dict[str, int]()
    for words, label, probability in found:
        start = text.index(words, searched.get(words, 0))
        searched[words] = start + 1
        units.append(
            Unit(
                start=start,
                end=start + len(words),
                label=label,
                probability=probability,
                kept=kept,
                by=("spacy", "llm") if probability > 0.8 else ("spacy",),
                alternative=alternatives.get(words),
                note=None if probability > 0.8 else "only one labeler found it",
                evidence={} if probability > 0.8 else {"agreement": 0.0},
            )
        )
    return units


def _span(unit: Unit) -> Span:
    return Span(start=unit.start, end=unit.end, label=unit.label)


def _place(unit: Unit) -> tuple[int, int]:
    return unit.start, unit.end


def _tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value
