"""Money is counted to the nanodollar, by all workers together, on both databases."""

from __future__ import annotations

import random
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmlabel.domain.document import Document
from llmlabel.llm.budget import EVERYTHING, Full, Set
from llmlabel.store import Store
from llmlabel.store.spending import Spending

WORST = 100


@settings(
    deadline=None,
    max_examples=12,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(ceiling=st.integers(0, 3000), seed=st.integers(0, 10**6), workers=st.integers(2, 6))
def test_workers_together_never_pass_a_budget(
    store: Store, ceiling: int, seed: int, workers: int
) -> None:
    scope = f"{ceiling}-{seed}-{workers}"
    billed: list[int] = []
    highest: list[int] = []

    def work(number: int) -> None:
        dice = random.Random(seed + number)
        mine = Spending(store.database)
        for _ in range(12):
            worst = dice.randint(1, WORST)
            got = mine.reserve(scope, worst, {"total": ceiling})
            if isinstance(got, Full):
                continue
            cost = dice.randint(0, worst)
            billed.append(cost)
            highest.append(mine.spent(scope)["total"])
            mine.settle(scope, got, cost)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(billed) == store.spending.spent(scope)["total"] <= ceiling
    assert max(highest, default=0) <= ceiling


def test_what_a_dead_worker_had_set_aside_stays_counted(store: Store) -> None:
    assert isinstance(store.spending.reserve(EVERYTHING, 60, {"total": 100}), Set)
    assert store.spending.reserve(EVERYTHING, 60, {"total": 100}) == Full("total", 60, 100)


def test_a_budget_that_was_raised_has_room_for_what_was_refused(store: Store) -> None:
    store.spending.reserve(EVERYTHING, 60, {"total": 100})
    store.spending.reserve(EVERYTHING, 60, {"total": 100})
    assert not store.spending.has_room(EVERYTHING, {"total": 110})
    assert store.spending.has_room(EVERYTHING, {"total": 120})
    assert store.spending.has_room(EVERYTHING, {})


@pytest.fixture
def travelling(tmp_path: Path):
    now = [datetime(2026, 3, 31, 23, 59, tzinfo=UTC)]
    store = Store.open(
        f"sqlite:///{tmp_path / 'store.db'}", recordings=tmp_path, clock=lambda: now[0]
    )
    yield store, now
    store.close()


def test_a_new_day_and_month_have_budgets_of_their_own(travelling) -> None:
    store, now = travelling
    ceilings = {"total": 250, "month": 120, "day": 100}
    night = store.spending.reserve(EVERYTHING, 100, ceilings)
    assert isinstance(store.spending.reserve(EVERYTHING, 10, ceilings), Full)
    now[0] += timedelta(minutes=2)
    assert store.spending.has_room(EVERYTHING, ceilings)
    assert isinstance(store.spending.reserve(EVERYTHING, 100, ceilings), Set)
    # What was set aside yesterday is settled yesterday.
    store.spending.settle(EVERYTHING, night, 40)
    assert store.spending.spent(EVERYTHING) == {"total": 140, "month": 100, "day": 100}


def test_what_is_only_counted_is_counted_by_all_workers_at_once(store: Store) -> None:
    def work() -> None:
        for _ in range(20):
            counted = store.spending.reserve("counted", 3, {})
            assert isinstance(counted, Set)
            store.spending.settle("counted", counted, 2)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.spending.spent("counted") == dict.fromkeys(("total", "month", "day"), 160)


def test_a_label_that_no_model_was_asked_for_counts_once(store: Store, label_of) -> None:
    document = Document.of_text("a recording that cannot be read")
    store.documents.add([document], ["sentiment@1.0.0"])
    asked, other = label_of(document).opinions
    nobody = other.model_copy(update={"source": other.source.model_copy(update={"model": ""})})
    store.labels.save([label_of(document, opinions=(asked, nobody))])
    assert store.costs.total().labels == 1
    assert [(each.key, each.labels) for each in store.costs.read("model")] == [("m", 1)]


def test_scopes_have_counters_of_their_own(store: Store) -> None:
    store.spending.reserve("batch:1", 60, {"total": 100})
    assert store.spending.spent(EVERYTHING)["total"] == 0


def test_a_note_is_changed_by_one_at_a_time(store: Store) -> None:
    def work() -> None:
        for _ in range(10):
            store.provider_notes.change("n", lambda note, _: (str(int(note or 0) + 1), None))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found, now = store.provider_notes.every("n")
    assert found == {"n": "40"}
    assert abs(now - datetime.now(UTC).timestamp()) < 3600
