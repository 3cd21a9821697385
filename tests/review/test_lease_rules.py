"""Whatever reviewers do in whatever order, the queue keeps its promises (SQLite)."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from llmlabel.domain.answer import ChoiceAnswer
from llmlabel.domain.document import Document
from llmlabel.domain.guideline import Guideline, LabelDefinition, LabelerStep, Policy
from llmlabel.domain.label import Label, Route
from llmlabel.errors import AlreadyReviewed, Conflict, LeaseExpired
from llmlabel.review import ReviewQueue
from llmlabel.store import ReviewItem, Store

ITEMS = 3
LEASE = 100
REVIEWERS = st.sampled_from(["ann", "bob", "eve"])
REF = "mood@1.0.0"
GUIDELINE = Guideline(
    name="mood",
    version="1.0.0",
    kind="choice",
    title="-",
    question="?",
    labels=tuple(LabelDefinition(name=name, definition="-") for name in ("good", "bad")),
    labelers=(LabelerStep(name="llm"),),
    policy=Policy(threshold=0.5),
    sha256="0" * 64,
)


class Queue(RuleBasedStateMachine):
    """Reviewers at work, beside a model that knows who holds what and who decided first."""

    def __init__(self) -> None:
        super().__init__()
        self.time = datetime(2026, 1, 1, tzinfo=UTC)
        self.folder = tempfile.TemporaryDirectory()
        folder = Path(self.folder.name)
        self.store = Store.open(
            f"sqlite:///{folder / 'store.db'}", recordings=folder, clock=lambda: self.time
        )
        documents = [Document.of_text(f"text {n}", id=f"d{n}") for n in range(ITEMS)]
        self.store.documents.add(documents, [REF])
        self.store.labels.save([self._proposal(document) for document in documents])
        self.queue = ReviewQueue(self.store, lambda ref: GUIDELINE, lease_seconds=LEASE)
        self.given: list[tuple[ReviewItem, str]] = []
        self.tokens: dict[str, int] = {}
        self.holders: dict[str, tuple[str, int, datetime]] = {}
        self.winners: dict[str, tuple[str, int]] = {}
        self.last: dict[str, list[str]] = {}

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
            created_at=self.time,
        )

    def _holds(self, id: str, token: int, reviewer: str) -> bool:
        holder = self.holders.get(id)
        return holder is not None and holder[:2] == (reviewer, token) and holder[2] > self.time

    def _note(self, item: ReviewItem, reviewer: str) -> None:
        assert item.token > self.tokens.get(item.id, 0)
        self.tokens[item.id] = item.token
        self.holders[item.id] = (reviewer, item.token, self.time + timedelta(seconds=LEASE))
        self.given.append((item, reviewer))

    @rule(seconds=st.sampled_from([1, 60, 100]))
    def time_passes(self, seconds: int) -> None:
        self.time += timedelta(seconds=seconds)

    @rule(reviewer=REVIEWERS)
    def somebody_asks_for_the_next_item(self, reviewer: str) -> None:
        item = self.queue.next(reviewer)
        held = {id for id, holder in self.holders.items() if holder[2] > self.time}
        if item is None:
            assert len(held | set(self.winners)) == ITEMS
        else:
            assert item.id not in held
            assert item.id not in self.winners
            self._note(item, reviewer)

    @precondition(lambda self: self.given)
    @rule(data=st.data(), kind=st.sampled_from(["confirm", "reject", "skip"]), other=REVIEWERS)
    def somebody_decides(self, data: st.DataObject, kind: str, other: str) -> None:
        item, reviewer = data.draw(st.sampled_from(self.given))
        who = data.draw(st.sampled_from([reviewer, other]))
        try:
            self.queue.verdict(item.id, token=item.token, kind=kind, reviewer=who)  # type: ignore[arg-type]
        except AlreadyReviewed:
            assert item.id in self.winners
            return
        except LeaseExpired:
            assert item.id not in self.winners
            assert not self._holds(item.id, item.token, who)
            return
        if item.id in self.winners:  # the same verdict sent once more
            assert self.winners[item.id] == (who, item.token)
            return
        assert self._holds(item.id, item.token, who)
        del self.holders[item.id]
        if kind != "skip":
            self.winners[item.id] = (who, item.token)
            self.last.setdefault(who, []).append(item.id)

    @precondition(lambda self: self.given)
    @rule(data=st.data())
    def somebody_gives_an_item_back(self, data: st.DataObject) -> None:
        item, reviewer = data.draw(st.sampled_from(self.given))
        holds = self._holds(item.id, item.token, reviewer) and item.id not in self.winners
        try:
            self.queue.release(item.id, item.token, reviewer)
        except (AlreadyReviewed, LeaseExpired):
            assert not holds
        else:
            assert holds
            del self.holders[item.id]

    @precondition(lambda self: self.winners)
    @rule(data=st.data(), reviewer=REVIEWERS)
    def somebody_undoes_a_verdict(self, data: st.DataObject, reviewer: str) -> None:
        id = data.draw(st.sampled_from(sorted(self.winners)))
        allowed = self.winners[id][0] == reviewer and self.last[reviewer][-1] == id
        try:
            item = self.queue.undo(id, reviewer)
        except Conflict:
            assert not allowed
        else:
            assert allowed
            del self.winners[id]
            self._note(item, reviewer)

    @invariant()
    def a_label_is_verified_exactly_where_a_verdict_stands(self) -> None:
        for document in self.store.documents.page().items:
            (label,) = document.labels
            review = next(id for id in self._ids() if self._ids()[id] == document.id)
            assert label.label.verified == (review in self.winners)

    def _ids(self) -> dict[str, str]:
        return {
            "r" + stored.id[1:]: document.id
            for document, stored in (
                (document, self.store.labels.history(document.id)[0])
                for document in self.store.documents.page().items
            )
        }

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()


TestQueue = Queue.TestCase
TestQueue.settings = settings(max_examples=15, stateful_step_count=20, deadline=None)
