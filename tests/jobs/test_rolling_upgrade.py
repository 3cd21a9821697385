"""Releases work side by side: what one accepts another does, and what it does not know it leaves.

What is written here literally is what earlier releases wrote; it must not change with the code.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa
from dbos import DBOSClient, DBOSPortableJSONSerializer
from test_reaper import table
from worker import alone, label, no_sound

from llmlabel.domain.document import Document
from llmlabel.domain.label import Label
from llmlabel.errors import StoreUnavailable
from llmlabel.jobs import Jobs, Runner
from llmlabel.store import Store

REF = "mood@1.0.0"


class Labeling:
    """Labels at once, and says what it was given."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    async def __call__(self, documents: Sequence[Document], guideline: str) -> Sequence[Label]:
        self.seen += [document.id for document in documents]
        return [label(document, guideline) for document in documents]


def accepting(store: Store) -> Jobs:
    jobs = alone(store, Labeling(), no_sound, runner={"queues": ()})
    jobs.runner.start()
    return jobs


def enqueue(store: Store, name: str, id: str, *arguments: Any) -> None:
    """As the first release did."""
    client = DBOSClient(
        system_database_engine=store.database.engine, serializer=DBOSPortableJSONSerializer()
    )
    client.register_queue(name, worker_concurrency=2, polling_interval_sec=0.1)
    with store.database.write() as connection:
        client.enqueue_in_transaction(
            connection,
            {"workflow_name": name, "queue_name": name, "workflow_id": id, "app_version": "1"},
            *arguments,
        )
    client.destroy()


def asked(store: Store, *ids: str) -> None:
    store.documents.add([Document.of_text(f"text of {id}", id=id) for id in ids], [REF])


def state(store: Store, id: str) -> str:
    jobs = table(store)
    with store.database.read() as connection:
        query = sa.select(jobs.c.status).where(jobs.c.workflow_uuid == id)
        return str(connection.execute(query).scalar_one())


def until(reached: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < end, "it did not come so far"
        time.sleep(0.02)


def test_a_job_that_an_earlier_release_accepted_is_done(store: Store) -> None:
    accepting(store).runner.stop()  # the tables are there
    asked(store, "a", "b")
    enqueue(store, "label", "label-of-before", REF, 1, ["a", "b"])
    labeling = Labeling()
    jobs = alone(store, labeling, no_sound)
    jobs.runner.start()
    assert jobs.wait(["a", "b"], 60)
    jobs.runner.stop()
    assert labeling.seen == ["a", "b"]
    assert store.counts().requests["done"] == 2


def test_jobs_are_written_as_earlier_releases_read_them(store: Store) -> None:
    jobs = accepting(store)
    jobs.submit([Document.of_text("text", id="a")], [REF])
    names = ("name", "queue_name", "application_version", "inputs", "status")
    schema = None if store.database.is_sqlite else "dbos"
    rows = sa.table("workflow_status", *(sa.column(name) for name in names), schema=schema)
    inputs = sa.table("workflow_input", sa.column("inputs"), schema=schema)
    with store.database.read() as connection:
        job = connection.execute(sa.select(rows)).one()
        written = job.inputs or connection.execute(sa.select(inputs.c.inputs)).scalar_one()
    assert (job.name, job.queue_name, job.application_version) == ("label", "label", "1")
    assert json.loads(written)["positionalArgs"] == [REF, 1, ["a"]]
    jobs.runner.stop()


def test_what_a_later_release_accepts_in_queues_of_its_own_is_left_to_it(store: Store) -> None:
    accepting(store).runner.stop()
    asked(store, "a", "b")
    enqueue(store, "label-2", "of-later", REF, 1, ["a"], {"more": "is known"})
    enqueue(store, "label", "of-now", REF, 1, ["b"])
    labeling = Labeling()
    jobs = alone(store, labeling, no_sound, runner={"upkeep_seconds": 0.1})
    jobs.runner.start()
    assert jobs.wait(["b"], 60)
    jobs.runner.stop()
    assert state(store, "of-later") == "ENQUEUED"
    assert labeling.seen == ["b"]
    assert store.work.waiting(["a"], REF, 1) == {"a": 0}


def test_a_job_with_arguments_that_are_not_known_fails_nothing_and_holds_up_no_other(
    store: Store,
) -> None:
    accepting(store).runner.stop()
    asked(store, "a", *"bcdefg")
    enqueue(store, "label", "of-later", REF, 1, ["a"], "default", "more", "and more")
    labeling = Labeling()
    jobs = alone(store, labeling, no_sound, runner={"upkeep_seconds": 0.1, "concurrency": 1})
    jobs.runner.start()
    for id in "bcdefg":
        enqueue(store, "label", f"of-now-{id}", REF, 1, [id])
    assert jobs.wait(list("bcdefg"), 60)
    assert state(store, "of-later") in ("PENDING", "ENQUEUED")
    jobs.runner.stop()
    assert state(store, "of-later") == "ENQUEUED"  # for a worker that knows more
    assert sorted(labeling.seen) == list("bcdefg")
    assert store.counts().requests == {"queued": 1, "done": 6, "failed": 0}


def test_jobs_of_a_project_are_left_to_who_knows_of_projects(store: Store) -> None:
    found: dict[str, Jobs] = {}
    runner = Runner(store, lambda name: found[name])
    for name in ("default", "other"):  # here both in one database
        found[name] = Jobs(store, Labeling(), no_sound, runner, project=name)
    runner.start()
    found["other"].submit([Document.of_text("text", id="p")], [REF])
    assert found["other"].wait(["p"], 60)
    runner.stop()
    rows = sa.table("workflow_status", sa.column("queue_name"), schema=table(store).schema)
    with store.database.read() as connection:
        # A queue to which no earlier release listens, and whose jobs none can do.
        assert connection.execute(sa.select(rows.c.queue_name)).scalars().all() == [
            "label-in-project"
        ]


def test_a_project_that_cannot_be_opened_holds_up_no_other(store: Store) -> None:
    found: dict[str, Jobs] = {}
    broken = True

    def jobs_of(name: str) -> Jobs:
        if broken and name == "other":
            raise StoreUnavailable("Its database cannot be used now.")
        return found[name]

    runner = Runner(store, jobs_of, concurrency=1, upkeep_seconds=0.1)
    for name in ("default", "other"):
        found[name] = Jobs(store, Labeling(), no_sound, runner, project=name)
    runner.start()
    found["other"].submit([Document.of_text("text", id="p")], [REF])
    for id in "abc":
        found["default"].submit([Document.of_text("text", id=id)], [REF])
    assert found["default"].wait(list("abc"), 60)
    assert store.work.waiting(["p"], REF, 1) == {"p": 0}
    broken = False
    assert found["other"].wait(["p"], 60)
    runner.stop()
