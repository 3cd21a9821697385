from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from llmlabel.errors import Conflict, NotFound, TrainingUnderWay
from llmlabel.store import HEARTBEAT_LAPSE, Store

REF, HASH = "sentiment@1.0.0", "0" * 64


def _trained(store: Store, payload: bytes, activate: bool = True) -> str:
    id = store.trainings.begin(REF, HASH, "ann")
    store.trainings.finish(id, payload, {"n": len(payload)}, activate)
    return id


def test_what_was_learned_is_in_use_and_reads_back(store: Store) -> None:
    assert store.trainings.active(REF, HASH) is None
    id = _trained(store, b"\x00weights\xff" * 1000)
    active = store.trainings.active(REF, HASH)
    assert active is not None
    assert (active.id, active.status, active.report) == (id, "done", {"n": 9000})
    assert active.payload_bytes == 9000
    assert store.trainings.payload(id) == b"\x00weights\xff" * 1000
    assert store.trainings.active(REF, "1" * 64) is None
    assert store.trainings.active("sentiment@1.0.1", HASH) is None


def test_a_training_killed_in_the_middle_leaves_the_old_one_in_use(store: Store) -> None:
    old = _trained(store, b"old")
    real = store.database.clock
    dead = store.trainings.begin(REF, HASH, "ann")
    store.database.clock = lambda: real() + HEARTBEAT_LAPSE
    active = store.trainings.active(REF, HASH)
    assert active is not None and active.id == old
    new = store.trainings.begin(REF, HASH, "bob")
    assert store.trainings.get(dead).status == "failed"
    with pytest.raises(Conflict, match="took over"):
        store.trainings.finish(dead, b"late", {}, True)
    assert not store.trainings.beat(dead)
    active = store.trainings.active(REF, HASH)
    assert active is not None and active.id == old
    store.trainings.finish(new, b"new", {}, True)
    active = store.trainings.active(REF, HASH)
    assert active is not None and active.id == new


def test_of_two_trainings_at_once_the_second_is_refused(store: Store) -> None:
    first = store.trainings.begin(REF, HASH, "ann")
    with pytest.raises(TrainingUnderWay, match=f"{first}, started by ann"):
        store.trainings.begin(REF, HASH, "bob")
    store.trainings.begin("ner@1.0.0", HASH, "bob")
    store.trainings.fail(first, "No gold.")
    assert store.trainings.get(first).error == "No gold."
    store.trainings.begin(REF, HASH, "bob")


def test_of_trainings_begun_by_many_threads_exactly_one_runs(store: Store) -> None:
    begun: list[str] = []
    refused: list[TrainingUnderWay] = []

    def begin() -> None:
        try:
            begun.append(store.trainings.begin(REF, HASH, "x"))
        except TrainingUnderWay as error:
            refused.append(error)

    threads = [threading.Thread(target=begin) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(begun), len(refused)) == (1, 5)


def test_a_training_that_beats_is_alive_however_long_it_takes(store: Store) -> None:
    when = datetime(2026, 1, 1, tzinfo=UTC)
    store.database.clock = lambda: when
    id = store.trainings.begin(REF, HASH, "ann")
    for _ in range(5):
        when += HEARTBEAT_LAPSE - timedelta(seconds=1)
        assert store.trainings.beat(id)
    with pytest.raises(TrainingUnderWay):
        store.trainings.begin(REF, HASH, "bob")


def test_a_dead_training_lapses_although_the_clock_was_set_back(store: Store) -> None:
    when = datetime(2026, 1, 2, tzinfo=UTC)
    store.database.clock = lambda: when
    dead = store.trainings.begin(REF, HASH, "ann")
    when -= timedelta(days=1)
    with pytest.raises(TrainingUnderWay):
        store.trainings.begin(REF, HASH, "bob")
    when += HEARTBEAT_LAPSE
    store.trainings.begin(REF, HASH, "bob")
    assert store.trainings.get(dead).status == "failed"


def test_a_living_training_survives_a_clock_that_is_set_back(store: Store) -> None:
    when = datetime(2026, 1, 2, tzinfo=UTC)
    store.database.clock = lambda: when
    id = store.trainings.begin(REF, HASH, "ann")
    when -= timedelta(days=1)
    with pytest.raises(TrainingUnderWay):
        store.trainings.begin(REF, HASH, "bob")
    assert store.trainings.beat(id)
    assert store.trainings.finish(id, b"x", {}, True).active


def test_an_earlier_training_comes_back_by_one_call_and_all_can_be_dropped(store: Store) -> None:
    first, second = _trained(store, b"1"), _trained(store, b"2")
    assert store.trainings.activate(first).active
    assert [(row.id, row.active) for row in store.trainings.list(REF)] == [
        (second, False),
        (first, True),
    ]
    assert store.trainings.deactivate(REF)
    assert not store.trainings.deactivate(REF)
    assert store.trainings.active(REF, HASH) is None


def test_a_training_that_is_not_put_to_use_is_only_kept(store: Store) -> None:
    first = _trained(store, b"1")
    _trained(store, b"2", activate=False)
    active = store.trainings.active(REF, HASH)
    assert active is not None and active.id == first


def test_a_training_without_a_result_can_neither_be_read_nor_used(store: Store) -> None:
    id = store.trainings.begin(REF, HASH, "ann")
    store.trainings.finish(id, None, {"why": "worse"}, True)
    assert store.trainings.active(REF, HASH) is None
    with pytest.raises(NotFound):
        store.trainings.payload(id)
    with pytest.raises(Conflict):
        store.trainings.activate(id)
    with pytest.raises(NotFound):
        store.trainings.activate("t-none")
