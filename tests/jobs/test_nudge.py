from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from dbos import DBOSClient
from worker import alone, label

from llmlabel.domain.document import Document
from llmlabel.domain.label import Label
from llmlabel.jobs import Jobs, Transcription
from llmlabel.jobs.board import Board
from llmlabel.jobs.nudge import Looks, Nudges
from llmlabel.store import Store

HOUR = 3600.0


async def label_all(documents: Sequence[Document], guideline: str) -> Sequence[Label]:
    return [label(document, guideline) for document in documents]


async def nobody(path: Path, language: str | None) -> Transcription:
    raise AssertionError(path)


@pytest.fixture
def jobs(store: Store) -> Iterator[Jobs]:
    """Jobs of a queue that by itself looks for work once an hour."""
    jobs = alone(store, label_all, nobody, chunk=2, runner={"poll_seconds": HOUR, "concurrency": 1})
    jobs.runner.start()
    yield jobs
    jobs.runner.stop()


def test_what_this_process_accepts_it_begins_without_waiting_for_the_next_look(
    jobs: Jobs,
) -> None:
    ids = [f"d{n}" for n in range(7)]  # four jobs, of which one is done at a time
    jobs.submit([Document.of_text(id, id=id) for id in ids], ["sentiment@1.0.0"])
    assert jobs.wait(ids, 60)


def test_who_listens_for_a_document_is_told_when_it_is_settled(jobs: Jobs) -> None:
    told = threading.Event()
    with jobs.listening(["a"], told.set):
        jobs.submit([Document.of_text("a", id="a")], ["sentiment@1.0.0"])
        assert told.wait(60)


def test_a_nudge_wakes_the_thread_of_its_queue_and_no_other() -> None:
    event, woke = threading.Event(), []
    nudges = Nudges()
    nudges.append(event)

    def sleep() -> None:
        assert event.wait(HOUR) is event.is_set()
        woke.append(threading.current_thread().name.removeprefix("queue-worker-"))

    threads = [threading.Thread(target=sleep, name=f"queue-worker-{name}") for name in "ab"]
    for thread in threads:
        thread.start()
    nudges.nudge("b")
    threads[1].join(60)
    assert woke == ["b"]
    event.set()
    threads[0].join(60)
    assert woke == ["b", "a"]


def test_a_nudge_that_comes_while_nobody_sleeps_is_not_lost() -> None:
    event = threading.Event()
    nudges = Nudges()
    nudges.append(event)
    name = threading.current_thread().name
    threading.current_thread().name = "queue-worker-a"
    try:
        nudges.nudge("a")
        assert event.wait(HOUR) is False
    finally:
        threading.current_thread().name = name


def test_a_notice_reaches_those_who_listen_for_it_and_nobody_afterwards() -> None:
    board, heard = Board(), []
    with board.listening(["a", "b"], lambda: heard.append("x")):
        board.post(["c"])
        board.post(["b"])
        board.post()
    board.post(["a"])
    assert heard == ["x"]


class Counted:
    """In the place of DBOS's tables; counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.claims: list[str] = []
        jobs = sa.Table(
            "jobs",
            sa.MetaData(),
            sa.Column("queue_name", sa.String),
            sa.Column("status", sa.String),
        )
        self.tables = SimpleNamespace(workflow_status=jobs)
        self.engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
        jobs.metadata.create_all(self.engine)

    def add(self, *queues: str) -> None:
        rows = [{"queue_name": queue, "status": "ENQUEUED"} for queue in queues]
        with self.engine.begin() as connection:
            connection.execute(sa.insert(self.tables.workflow_status), rows)

    def start_queued_workflows(self, *arguments: Any, **named: Any) -> tuple[list[str], None]:
        self.asked.append(named)
        return self.claims, None

    def get_queue(self, name: str) -> str:
        self.asked.append(name)
        return f"{name} {len(self.asked)}"

    def get_workflow_statuses(self, ids: Sequence[str]) -> list[dict[str, Any]]:
        return [{"workflow_uuid": id, "attributes": {"of": id}} for id in ids]


@pytest.fixture
def looked() -> tuple[SimpleNamespace, Looks]:
    dbos = SimpleNamespace(_sys_db=Counted())
    looks = Looks(dbos)
    looks.launched(dbos)
    return dbos, looks


@pytest.mark.parametrize(("claimed", "nudged"), [(["a"], False), (["a", "b"], True)])
def test_a_job_that_ends_has_its_queue_looked_into_where_some_were_left(
    looked: tuple[SimpleNamespace, Looks], claimed: list[str], nudged: bool
) -> None:
    dbos, looks = looked
    nudges: list[str] = []
    looks.nudges.nudge = nudges.append  # type: ignore[method-assign]
    queue = SimpleNamespace(name="q", _worker_concurrency=3)
    dbos._sys_db.claims = claimed
    dbos._sys_db.add("q")
    entry = dbos._active_workflows_set.add("x", "q")
    looks.begin(queue, "me", "1", None, 1)
    entry.release()
    assert nudges == ["q"] * nudged


def test_nothing_is_claimed_of_a_queue_where_nothing_waits(
    looked: tuple[SimpleNamespace, Looks],
) -> None:
    dbos, looks = looked
    dbos._sys_db.add("other")
    assert looks.begin(SimpleNamespace(name="q"), "me", "1", None) == ([], None)
    assert dbos._sys_db.asked == []


def test_jobs_that_are_over_are_not_looked_through_for_one_that_waits(tmp_path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'jobs.db'}")
    client = DBOSClient(system_database_engine=engine, application_name="a")
    try:
        client._sys_db.run_migrations()
        dbos = SimpleNamespace(_sys_db=client._sys_db)
        looks = Looks(dbos)
        looks.launched(dbos)
        asked: list[tuple[str, Any]] = []

        @sa.event.listens_for(engine, "before_cursor_execute")
        def _note(
            connection: object, cursor: object, statement: str, given: Any, *_: object
        ) -> None:
            asked.append((statement, given))

        assert looks.begin(SimpleNamespace(name="q"), "me", "1", None) == ([], None)
        [(statement, given)] = asked
        with engine.connect() as connection:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given).all()
    finally:
        client.destroy()
    assert any("SEARCH" in row[3] and "in_flight" in row[3] for row in plan), plan


def test_what_the_database_says_of_a_queue_is_believed_for_a_while(
    looked: tuple[SimpleNamespace, Looks], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, looks = looked
    assert [looks.queue("q"), looks.queue("q"), looks.queue("r")] == ["q 1", "q 1", "r 2"]
    monkeypatch.setattr("llmlabel.jobs.nudge.REREAD_SECONDS", -1.0)
    assert looks.queue("q") == "q 3"


def test_what_came_with_a_job_is_known_when_it_begins(
    looked: tuple[SimpleNamespace, Looks],
) -> None:
    dbos, looks = looked
    dbos._sys_db.get_workflow_statuses(["a"])
    assert [looks.attributes("a"), looks.attributes("a")] == [{"of": "a"}, None]
