"""Whatever reviewers do in whatever order, the queue keeps its promises (SQLite)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from queue_model import GUIDELINE, MAJORITY, REF, Done, Place, World

from llmlabel.domain.answer import ChoiceAnswer
from llmlabel.errors import AlreadyReviewed, Conflict, LeaseExpired, NotFound
from llmlabel.review import Filter

REVIEWERS = st.sampled_from(["ann", "bob", "eve"])
SESSIONS = st.sampled_from([None, "one", "two"])
SAID = st.sampled_from(["good", "good", "bad", "", "skip"])
QUEUES = st.sampled_from(["review", "review", "adjudication"])


class Queue(RuleBasedStateMachine):
    """Reviewers at work, beside a model that knows who holds what and who decided what."""

    @initialize(majority=st.booleans())
    def begin(self, majority: bool) -> None:
        self.world = World(
            {"a": 1, "b": 2, "c": 3 if majority else 2}, MAJORITY if majority else GUIDELINE
        )
        self.given: list[tuple[str, int, str, str | None]] = []

    def _place(self, id: str) -> Place:
        return self.world.places[id]

    @rule(seconds=st.sampled_from([1, 60, 100]))
    def time_passes(self, seconds: int) -> None:
        self.world.time += timedelta(seconds=seconds)

    @rule(reviewer=REVIEWERS, session=SESSIONS, count=st.integers(1, 4), queue=QUEUES)
    def somebody_takes_items(
        self, reviewer: str, session: str | None, count: int, queue: str
    ) -> None:
        world = self.world
        mine = [
            each
            for each in world.places.values()
            if world.live(each)
            and each.holder == (reviewer, session)
            and session is not None
            and world.is_adjudication(each) == (queue == "adjudication")
        ]
        free = [
            each
            for each in world.places.values()
            if world.may_take(each, reviewer)
            and world.is_adjudication(each) == (queue == "adjudication")
        ]
        items = world.queue.take(reviewer, count, Filter(queue=queue), session)  # type: ignore[arg-type]
        ids = [item.id for item in items]
        known, new = ids[: len(mine)], ids[len(mine) :]
        assert set(known) <= {each.id for each in mine}
        assert set(new) <= {each.id for each in free}, "somebody holds it, or it is not for them"
        documents = {each.document for each in free}
        assert len(items) == min(count, len(mine) + len(documents)), "all that can be is given"
        assert len({self._place(id).document for id in new}) == len(new), "two seats of a panel"
        fresh = [world.has_skipped(self._place(id), reviewer) for id in new]
        assert fresh == sorted(fresh), "what was skipped comes last"
        for item in items[: len(mine)]:
            assert item.token == self._place(item.id).token, "a reload changes no token"
            world.note_renewal(self._place(item.id))
        for item in items[len(mine) :]:
            world.note_lease(item, reviewer, session)
            self.given.append((item.id, item.token, reviewer, session))

    @rule(reviewer=REVIEWERS, session=SESSIONS, data=st.data())
    def somebody_takes_a_certain_item(
        self, reviewer: str, session: str | None, data: st.DataObject
    ) -> None:
        world = self.world
        place = self._place(data.draw(st.sampled_from(sorted(world.places))))
        own = world.live(place) and place.holder == (reviewer, session)
        allowed = own or world.may_take(place, reviewer)
        try:
            item = world.queue.take_one(place.id, reviewer, session)
        except Conflict:
            assert not allowed
            return
        assert allowed
        if own:
            assert item.token == place.token
            world.note_renewal(place)
        else:
            world.note_lease(item, reviewer, session)
            self.given.append((item.id, item.token, reviewer, session))

    @rule(reviewer=REVIEWERS, session=SESSIONS, said=SAID, queue=QUEUES)
    def somebody_takes_and_decides(
        self, reviewer: str, session: str | None, said: str, queue: str
    ) -> None:
        before = len(self.given)
        self.somebody_takes_items(reviewer, session, 4, queue)
        for id, token, _, _ in self.given[before:]:
            self._decide(id, token, reviewer, said)

    @precondition(lambda self: self.given)
    @rule(data=st.data(), said=SAID, other=REVIEWERS, honest=st.booleans())
    def somebody_decides(self, data: st.DataObject, said: str, other: str, honest: bool) -> None:
        id, token, reviewer, _ = data.draw(st.sampled_from(self.given))
        self._decide(id, token, reviewer if honest else other, said)

    def _decide(self, id: str, token: int, who: str, said: str) -> None:
        world = self.world
        place = self._place(id)
        holds = world.holds(place, token, who)
        kind = {"": "reject", "skip": "skip"}.get(said, "correct")
        answer = ChoiceAnswer(label=said) if kind == "correct" else None
        before = len(world.queue.history(id))
        try:
            world.queue.verdict(id, token=token, kind=kind, reviewer=who, answer=answer)  # type: ignore[arg-type]
        except (AlreadyReviewed, LeaseExpired, Conflict):
            assert not holds
            return
        if not holds:
            assert len(world.queue.history(id)) == before, "sent twice, recorded once"
            return
        assert place.holder is not None
        world.stacks.setdefault(who, []).append(Done(id, place.holder[1], kind))
        if kind == "skip":
            place.skipped_by.append(who)
            place.until = world.time
        else:
            place.verdict = (who, place.holder[1], said)
        self._settle(place)

    def _settle(self, place: Place) -> None:
        world = self.world
        before = set(world.places)
        world.look_for_new()
        opened = [self._place(id) for id in set(world.places) - before]
        if not place.seat or any(each.open for each in world.seats(place.document)):
            assert opened == []
            return
        adjudication = world.adjudication(place.document)
        if world.agreed(place.document) is not None:
            assert adjudication is None or adjudication.withdrawn
        else:
            assert adjudication is not None
            adjudication.withdrawn = False
            adjudication.until = world.time

    @precondition(lambda self: self.given)
    @rule(data=st.data(), several=st.integers(1, 3))
    def somebody_renews_or_gives_back(self, data: st.DataObject, several: int) -> None:
        world = self.world
        reviewer = data.draw(REVIEWERS)
        leases = [data.draw(st.sampled_from(self.given))[:2] for _ in range(several)]
        held = [world.holds(self._place(id), token, reviewer) for id, token in leases]
        if data.draw(st.booleans()):
            found = world.queue.renew_all(leases, reviewer)
            assert [each.expires_at is not None for each in found] == held
            assert [each.id for each in found] == [id for id, _ in leases]
            for (id, _), mine in zip(leases, held, strict=True):
                if mine:
                    world.note_renewal(self._place(id))
        else:
            mine_all = {lease for lease, mine in zip(leases, held, strict=True) if mine}
            assert world.queue.release_all(leases, reviewer) == len(mine_all)
            for id, _ in mine_all:
                self._place(id).until = world.time

    @rule(reviewer=REVIEWERS, session=SESSIONS)
    def somebody_takes_the_newest_verdict_back(self, reviewer: str, session: str | None) -> None:
        world = self.world
        newest = world.newest(reviewer, session)
        refused = newest is None or self._stays(newest, reviewer, session)
        try:
            item = world.queue.undo_last(reviewer, session)
        except NotFound:
            assert newest is None
            return
        except Conflict:
            assert refused
            return
        assert newest is not None
        assert not refused
        assert item.id == newest.place
        assert world.queue.history(item.id)[-1].undone or any(
            each.undone for each in world.queue.history(item.id)
        )
        world.stacks[reviewer].remove(newest)
        place = self._place(newest.place)
        if newest.kind == "skip":
            place.skipped_by.remove(reviewer)
        else:
            place.verdict = None
            adjudication = world.adjudication(place.document) if place.seat else None
            if adjudication is not None:
                adjudication.withdrawn = True
        place.until = world.time
        world.note_lease(item, reviewer, session)
        self.given.append((item.id, item.token, reviewer, session))

    def _stays(self, newest: Done, reviewer: str, session: str | None) -> bool:
        world = self.world
        place = self._place(newest.place)
        if newest.kind == "skip":
            if world.live(place):  # given to the same window again, it is taken back all the same
                return place.holder != (reviewer, session)
            return world.takes_part(place, reviewer)
        adjudication = world.adjudication(place.document) if place.seat else None
        if adjudication is None or adjudication.withdrawn:
            return False
        return adjudication.verdict is not None or world.live(adjudication)

    @invariant()
    def a_label_is_verified_exactly_where_it_was_settled(self) -> None:
        for document in self.world.store.documents.page().items:
            (stored,) = document.labels
            expected = self.world.answer_of(document.id)
            assert stored.label.verified == (expected is not None)
            if expected is not None:
                answer = stored.label.answer
                assert (answer.label if isinstance(answer, ChoiceAnswer) else "") == expected
            assert document.status == ("review" if expected is None else "done")

    @invariant()
    def exactly_one_verdict_of_a_settled_document_counts(self) -> None:
        settled = {id for id in self.world.members if self.world.answer_of(id) is not None}
        counted = self.world.store.verified(REF)
        assert sorted(each.document.id for each in counted) == sorted(settled)
        assert self.world.store.verified.count(REF) == len(settled)
        assert self.world.store.verified.decided_since(REF, None) == len(settled)

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.close()


@pytest.mark.hypothesis
def test_the_queue_keeps_its_promises_whatever_reviewers_do() -> None:
    run_state_machine_as_test(
        Queue, settings=settings(max_examples=25, stateful_step_count=30, deadline=None)
    )
