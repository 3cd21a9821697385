"""Reviewers at work beside a simple model that knows what must come of it."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from llmlabel.domain.answer import ChoiceAnswer
from llmlabel.domain.document import Document
from llmlabel.domain.guideline import Guideline, LabelDefinition, LabelerStep, Panel, Policy
from llmlabel.domain.label import Label, Route
from llmlabel.review import ReviewQueue
from llmlabel.store import ReviewItem, Store

LEASE = 100
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
REF = "mood@1.0.0"
LABELS = ("good", "bad")
GUIDELINE = Guideline(
    name="mood",
    version="1.0.0",
    kind="choice",
    title="-",
    question="?",
    labels=tuple(LabelDefinition(name=name, definition="-") for name in LABELS),
    labelers=(LabelerStep(name="llm"),),
    policy=Policy(threshold=0.5, panel=Panel(share=0.5, reviewers=2)),
    sha256="0" * 64,
)
MAJORITY = GUIDELINE.model_copy(
    update={"policy": Policy(threshold=0.5, panel=Panel(share=0.5, settle="majority"))}
)


@dataclass
class Place:
    """What the model knows of one review."""

    id: str
    document: str
    seat: int
    token: int = 0
    holder: tuple[str, str | None] | None = None
    until: datetime = LONG_AGO
    verdict: tuple[str, str | None, str] | None = None  # reviewer, session, answer
    skipped_by: list[str] = field(default_factory=list)
    withdrawn: bool = False

    @property
    def open(self) -> bool:
        return self.verdict is None and not self.withdrawn


@dataclass(frozen=True)
class Done:
    """An entry of a reviewer's stack."""

    place: str
    session: str | None
    kind: str


class World:
    """A store with a few documents, some of them for panels."""

    def __init__(self, panels: dict[str, int], guideline: Guideline = GUIDELINE) -> None:
        self.time = datetime(2026, 1, 1, tzinfo=UTC)
        self.folder = tempfile.TemporaryDirectory()
        folder = Path(self.folder.name)
        self.store = Store.open(
            f"sqlite:///{folder / 'store.db'}", recordings=folder, clock=lambda: self.time
        )
        self.queue = ReviewQueue(self.store, lambda ref: guideline, lease_seconds=LEASE)
        self.majority = guideline is MAJORITY
        self.members = panels
        documents = [Document.of_text(f"text {id}", id=id) for id in panels]
        self.store.documents.add(documents, [REF])
        self.store.labels.save([self._proposal(document) for document in documents])
        self.places: dict[str, Place] = {}
        self.stacks: dict[str, list[Done]] = {}
        self.look_for_new()

    def _proposal(self, document: Document) -> Label:
        return Label(
            document_id=document.id,
            text_sha256=document.text_sha256,
            guideline=REF,
            guideline_sha256="0" * 64,
            answer=ChoiceAnswer(label="good"),
            confidence=None,
            route=Route.REVIEW,
            reason="-",
            threshold=0.5,
            reviewers=self.members[document.id],
            created_at=self.time,
        )

    def close(self) -> None:
        self.store.close()
        self.folder.cleanup()

    def look_for_new(self) -> None:
        """Make the acquaintance of reviews that were not there before."""
        for item in self.store.reviews.page(limit=200).items:
            known = Place(id=item.id, document=item.document.id, seat=item.seat)
            self.places.setdefault(item.id, known)

    def live(self, place: Place) -> bool:
        return place.open and place.holder is not None and place.until > self.time

    def seats(self, document: str) -> list[Place]:
        return [each for each in self.places.values() if each.document == document and each.seat]

    def adjudication(self, document: str) -> Place | None:
        for each in self.places.values():
            if each.document == document and not each.seat and self.members[document] > 1:
                return each
        return None

    def is_adjudication(self, place: Place) -> bool:
        return not place.seat and self.members[place.document] > 1

    def takes_part(self, place: Place, reviewer: str) -> bool:
        for each in self.places.values():
            if each.document == place.document and each.id != place.id:
                if each.verdict is not None and each.verdict[0] == reviewer:
                    return True
                if self.live(each) and each.holder is not None and each.holder[0] == reviewer:
                    return True
        return False

    def may_take(self, place: Place, reviewer: str) -> bool:
        return place.open and not self.live(place) and not self.takes_part(place, reviewer)

    def has_skipped(self, place: Place, reviewer: str) -> bool:
        same = [place]
        if self.members[place.document] > 1:
            same = [each for each in self.places.values() if each.document == place.document]
        return any(reviewer in each.skipped_by for each in same)

    def holds(self, place: Place, token: int, reviewer: str) -> bool:
        return (
            self.live(place)
            and place.token == token
            and place.holder is not None
            and place.holder[0] == reviewer
        )

    def note_lease(self, item: ReviewItem, reviewer: str, session: str | None) -> None:
        place = self.places[item.id]
        assert item.token > place.token, "every lease has a higher token"
        place.token = item.token
        self.note_renewal(place)
        place.holder = (reviewer, session)

    def note_renewal(self, place: Place) -> None:
        place.until = self.time + timedelta(seconds=LEASE)

    def answer_of(self, document: str) -> str | None:
        """What the documents' label must be; None while nobody has settled it."""
        single = [
            each
            for each in self.places.values()
            if each.document == document and not each.seat and each.verdict is not None
        ]
        if single:
            assert single[0].verdict is not None
            return single[0].verdict[2]
        return self.agreed(document)

    def agreed(self, document: str) -> str | None:
        said = [each.verdict[2] for each in self.seats(document) if each.verdict is not None]
        if not said or len(said) < self.members[document]:
            return None
        best = max(sorted(set(said)), key=said.count)
        needed = len(said) // 2 + 1 if self.majority else len(said)
        return best if said.count(best) >= needed else None

    def newest(self, reviewer: str, session: str | None) -> Done | None:
        """What this reviewer (in this session) would take back next."""
        for done in reversed(self.stacks.get(reviewer, [])):
            gone = done.kind == "skip" and not self.places[done.place].open
            if session in (None, done.session) and not gone:
                return done
        return None
