"""What workers that went silent had begun is done by others, and nobody alive is taken for dead."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from worker import GUIDELINE, alone, label, no_sound

from llmlabel.domain.document import Document
from llmlabel.jobs import Jobs
from llmlabel.jobs.identity import is_gone, worker_id
from llmlabel.jobs.reaper import LOST_SECONDS, STRAY_SECONDS, Reaper
from llmlabel.store import Store


async def labeling(documents: list[Document], guideline: str) -> list[object]:
    return [label(document, guideline) for document in documents]


class Clock:
    """Shows the seconds that a test says."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def jobs(store: Store) -> Iterator[Jobs]:
    """Jobs of a process that accepts and does nothing."""
    jobs = alone(store, labeling, no_sound, runner={"queues": ()})
    jobs.runner.start()
    yield jobs
    jobs.runner.stop()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def reaper(store: Store, clock: Clock, *doing: str, worker: str = "me") -> Reaper:
    return Reaper(store, worker, lambda: doing, clock=clock)


def table(store: Store) -> sa.TableClause:
    names = ("workflow_uuid", "status", "executor_id")
    schema = None if store.database.is_sqlite else "dbos"
    return sa.table("workflow_status", *(sa.column(name) for name in names), schema=schema)


def begun(store: Store, jobs: Jobs, worker: str) -> str:
    """One document is accepted, and its job begun by that worker."""
    jobs.submit([Document.of_text("a text", id="a")], [GUIDELINE])
    queue = table(store)
    with store.database.write() as connection:
        connection.execute(sa.update(queue).values(status="PENDING", executor_id=worker))
        return str(connection.execute(sa.select(queue.c.workflow_uuid)).scalar_one())


def status(store: Store) -> str:
    with store.database.read() as connection:
        return str(connection.execute(sa.select(table(store).c.status)).scalar_one())


def test_a_worker_that_stays_silent_is_lost_and_its_jobs_are_queued_again(
    store: Store, jobs: Jobs, clock: Clock
) -> None:
    begun(store, jobs, "other")
    store.work.beat("other")
    store.work.begin(["a"], GUIDELINE, 1)
    listen = reaper(store, clock)
    for _ in range(4):
        assert listen() == []
        clock.now += LOST_SECONDS / 4
    assert status(store) == "PENDING"
    assert listen() == ["other"]
    assert status(store) == "ENQUEUED"
    assert store.work.signs() == {}
    assert store.work.waiting(["a"], GUIDELINE, 1) == {"a": 1}  # its attempt counts on


def test_a_worker_that_gives_signs_is_never_lost_however_its_clock_is_set(
    store: Store, jobs: Jobs, clock: Clock
) -> None:
    begun(store, jobs, "other")
    listen = reaper(store, clock)
    for hours in (0, 5, -3, -100, 2, 0, 1, 4):
        store.database.clock = lambda ahead=hours: datetime.now(UTC) + timedelta(hours=ahead)  # type: ignore[misc]
        store.work.beat("other")
        assert listen() == []
        clock.now += LOST_SECONDS / 3
    assert status(store) == "PENDING"


def test_who_did_not_listen_knows_of_no_silence(store: Store, jobs: Jobs, clock: Clock) -> None:
    begun(store, jobs, "other")
    store.work.beat("other")
    listen = reaper(store, clock)
    listen()
    clock.now += 10 * LOST_SECONDS  # the whole machine slept
    assert listen() == []
    assert status(store) == "PENDING"


def test_one_of_several_reapers_acts(store: Store, jobs: Jobs, clock: Clock) -> None:
    begun(store, jobs, "other")
    store.work.beat("other")
    store.work.retire("other")
    first, second = reaper(store, clock), reaper(store, clock, worker="you")
    assert [first(), second()] == [["other"], []]


def test_a_process_of_this_machine_that_is_gone_is_known_at_once(
    store: Store, jobs: Jobs, clock: Clock
) -> None:
    code = "from llmlabel.jobs.identity import worker_id; print(worker_id())"
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    gone = process.stdout.strip()
    assert is_gone(gone)
    assert not is_gone(worker_id())
    assert not is_gone("another-host:00000000.0:1:abcdef")
    assert not is_gone("host-8000")
    begun(store, jobs, gone)
    store.work.beat(gone)
    assert reaper(store, clock)() == [gone]
    assert status(store) == "ENQUEUED"


def test_no_two_workers_have_a_name_in_common() -> None:
    assert len({worker_id() for _ in range(50)}) == 50


def test_a_job_that_never_reached_its_worker_is_queued_again(
    store: Store, jobs: Jobs, clock: Clock
) -> None:
    id = begun(store, jobs, "me")
    busy = reaper(store, clock, id)
    idle = reaper(store, clock)
    for listen in (busy, idle):
        assert listen.find_strays() == 0
    clock.now += STRAY_SECONDS
    assert busy.find_strays() == 0
    assert status(store) == "PENDING"
    assert idle.find_strays() == 1
    assert status(store) == "ENQUEUED"
