"""How the documents of one guideline are labeled and routed: read before a batch, fixed in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from llmlabel.confidence.gate import Bar, gate
from llmlabel.confidence.orders import orders_in
from llmlabel.domain.confidence import Confidence
from llmlabel.domain.document import Document
from llmlabel.domain.gold import draw, panel_draw
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.label import Label, Route
from llmlabel.domain.prediction import Outcome, Prediction, Source
from llmlabel.domain.promise import Certificate, Promise
from llmlabel.labelers.ensemble import combine
from llmlabel.labelers.protocol import Labeler


@dataclass(frozen=True, slots=True)
class Step:
    """A labeler of the cascade; with a `doubt`, asked only where the answer so far is below it."""

    labeler: Labeler
    doubt: float | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """One answer from several opinions, and how sure it is; no confidence without an answer."""

    combined: Prediction
    confidence: Confidence | None


class Judge(Protocol):
    """Makes one answer of the labelers' opinions on each document, and says how sure it is."""

    def judge(
        self,
        documents: Sequence[Document],
        guideline: Guideline,
        opinions: Sequence[Sequence[Prediction]],
    ) -> list[Judged]:
        """One judgement per document, in order; each has one opinion or more."""
        ...


class RawJudge:
    """Combines by fixed rules and passes the labelers' own probability on, uncalibrated."""

    def judge(
        self,
        documents: Sequence[Document],
        guideline: Guideline,
        opinions: Sequence[Sequence[Prediction]],
    ) -> list[Judged]:
        """One judgement per document; see `Judge.judge`."""
        judged = []
        for document, said in zip(documents, opinions, strict=True):
            combined = combine(document, guideline, said)
            judged.append(Judged(combined, raw_confidence(combined)))
        return judged


class WaryJudge:
    """Judges as another does, but does not believe a model that was given orders by the text.

    Where a language model was asked about a text that seems to give it orders, what it is sure of
    says nothing: the confidence is no more than that of a guess. Certifications see it as labeling
    does, so what they prove holds for it.
    """

    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    def judge(
        self,
        documents: Sequence[Document],
        guideline: Guideline,
        opinions: Sequence[Sequence[Prediction]],
    ) -> list[Judged]:
        """One judgement per document; see `Judge.judge`."""
        judged = self._judge.judge(documents, guideline, opinions)
        return [
            _wary(judgement, document, guideline) if _asked_model(said) else judgement
            for judgement, document, said in zip(judged, documents, opinions, strict=True)
        ]


def _asked_model(said: Sequence[Prediction]) -> bool:
    return any(opinion.source.prompt is not None for opinion in said)


def _wary(judged: Judged, document: Document, guideline: Guideline) -> Judged:
    why = orders_in(document.text)
    if why is None or judged.confidence is None:
        return judged
    guess = 1 / len(guideline.labels) if guideline.kind == "choice" else 0.0
    confidence = judged.confidence.model_copy(
        update={
            "value": min(judged.confidence.value, guess),
            "method": f"{judged.confidence.method}+injection_suspected",
        }
    )
    words = f"injection suspected, the text seems to give the model orders: {why}"
    detail = "; ".join(filter(None, (words, judged.combined.detail)))
    return Judged(judged.combined.model_copy(update={"detail": detail}), confidence)


def raw_confidence(combined: Prediction) -> Confidence | None:
    """The labelers' own probability, marked `calibrated: false`; None without an answer."""
    if combined.outcome is not Outcome.ANSWERED or combined.probability is None:
        return None
    return Confidence(value=combined.probability, method=combined.method)


@dataclass(frozen=True, slots=True)
class Routing:
    """What the pipeline needs to know of one guideline.

    Attributes:
        steps: The cascade, first labeler first.
        judge: Makes answers and confidences of what the labelers said.
        promise: What is promised of the labels, if anything.
        certificate: The valid one that proves it; its threshold decides.
        blocked: Why everything goes to review, as a sentence; empty while the gate is open.
        audit_rate: Probability with which a document is drawn for a blind check.
        seed: Of the draw.
        training: Id of the learned version in use, if any.
    """

    steps: tuple[Step, ...]
    judge: Judge
    promise: Promise | None = None
    certificate: Certificate | None = None
    blocked: str = ""
    audit_rate: float = 0.0
    seed: str = ""
    training: str | None = None

    def bar(self, guideline: Guideline) -> Bar:
        """What an answer has to reach to be accepted."""
        if self.blocked:
            return Bar(threshold=None, blocked=self.blocked)
        if self.certificate is not None:
            return Bar(threshold=self.certificate.threshold, certificate=self.certificate.id)
        return Bar(threshold=guideline.policy.threshold)

    def route(self, label: Label, judged: Judged, guideline: Guideline) -> Label:
        """The label with its route, what the route rests on, and whether it is drawn to audit."""
        bar = self.bar(guideline)
        route, reason = gate(judged.combined, judged.confidence, bar)
        stand_in = _stand_in(label.opinions)
        if stand_in is not None and bar.threshold is not None:
            proved = bar.certificate is not None
            calibrated = judged.confidence is not None and judged.confidence.calibrated
            bar = replace(bar, certificate=None)
            if route is Route.ACCEPTED and (proved or calibrated):
                route = Route.REVIEW
                what = "the certificate was proved" if proved else "the confidence was calibrated"
                reason = (
                    f"{stand_in.model} answered in place of {stand_in.fallback_for}, which could "
                    f"not be reached, and {what} for {stand_in.fallback_for}"
                )
        drawn = draw(self.seed, guideline.ref, label.text_sha256) < self.audit_rate
        return label.model_copy(
            update={
                "route": route,
                "reason": reason,
                "threshold": guideline.policy.threshold if bar.threshold is None else bar.threshold,
                "promise": self.promise,
                "certificate": bar.certificate,
                "audit_rate": self.audit_rate,
                "drawn": drawn,
                "forced": bool(self.blocked),
                "reviewers": self._reviewers(label, guideline),
            }
        )

    def _reviewers(self, label: Label, guideline: Guideline) -> int:
        panel = guideline.policy.panel
        if panel is None:
            return 1
        chance = panel_draw(self.seed, guideline.ref, label.text_sha256)
        return panel.reviewers if chance < panel.share else 1


def _stand_in(opinions: Sequence[Prediction]) -> Source | None:
    """Who answered in the place of a model that could not be reached, if anybody did."""
    for opinion in opinions:
        if opinion.source.fallback_for is not None:
            return opinion.source
    return None
