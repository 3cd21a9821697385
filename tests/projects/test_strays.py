"""On SQLite a project and the queue are two files: no crash between their commits loses work."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import mood_service as mood
import pytest
import sqlalchemy as sa
from visitors import Visitors

from llmlabel.bootstrap import Application
from llmlabel.domain.document import Document
from llmlabel.jobs.queue_files import without_job
from llmlabel.jobs.strays import Strays
from llmlabel.store import Store
from llmlabel.store.projects import Projects


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'store.db'}"


def _strays(service: Application, project: str) -> Strays:
    application = service.of(project)
    return Strays(
        service.store.database,
        application.store,
        application.jobs,
        seconds=0.0,
        old=timedelta(0),
    )


def _accept_without_a_job(service: Application, project: str, *ids: str) -> None:
    """What a crash between the two commits leaves behind."""
    store = service.of(project).store
    documents = [Document.of_text(f"good day {n}", id=id) for n, id in enumerate(ids)]
    store.documents.add(documents, [mood.REF], lambda connection, asked: None)


async def test_a_document_without_a_job_is_found_and_labeled(
    visitors: Visitors, service: Application
) -> None:
    visitors("east")
    _accept_without_a_job(service, "east", "a", "b")
    jobs = service.of("east").jobs
    assert not await asyncio.to_thread(jobs.wait, ["a", "b"], 0.5)
    assert await asyncio.to_thread(_strays(service, "east")) == 2
    assert await asyncio.to_thread(jobs.wait, ["a", "b"], 60.0)
    assert service.of("east").store.counts().requests["done"] == 2


async def test_a_recording_without_a_job_is_found(visitors: Visitors, service: Application) -> None:
    visitors("east")
    store = service.of("east").store
    recording = store.recordings.save(BytesIO(b"not really a sound"), "call.wav")
    store.documents.add_recording(
        "call",
        recording,
        [mood.REF],
        language=None,
        metadata=None,
        enqueue=lambda connection, asked: None,
        enqueue_recording=lambda connection, id, run: None,
    )
    assert await asyncio.to_thread(_strays(service, "east")) == 1
    assert await asyncio.to_thread(service.of("east").jobs.wait, ["call"], 60.0)


async def test_a_training_without_a_job_is_found_and_done_once(
    visitors: Visitors, service: Application
) -> None:
    visitors("east")
    application = service.of("east")
    learning, events = application.jobs.learning, application.store.events
    asked = {"what": "train", "guideline": mood.REF, "argument": ""}
    events.append("learn.asked", "j-lost", {**asked})  # what a crash between the commits leaves
    [lost] = without_job(service.store.database, [application.store.database])
    assert "j-lost" in lost
    # Both looked before either queued it.
    first, second = learning.again([("j-lost", 0)]), learning.again([("j-lost", 0)])
    assert (first, second) == (1, 0)
    for _ in range(600):
        if learning.get("j-lost").status != "queued":
            break
        await asyncio.sleep(0.1)
    assert learning.get("j-lost").status != "queued"
    assert len(events.of("j-lost", "learn.began")) == 1
    assert await asyncio.to_thread(_strays(service, "east")) == 0


async def test_a_training_that_lost_its_job_twice_is_queued_twice(
    visitors: Visitors, service: Application
) -> None:
    visitors("east")
    application = service.of("east")
    asked = {"what": "train", "guideline": mood.REF, "argument": ""}
    application.store.events.append("learn.asked", "j-lost", {**asked})
    application.store.events.append("learn.found", "j-lost")
    assert await asyncio.to_thread(_strays(service, "east")) == 1
    assert len(application.store.events.of("j-lost", "learn.found")) == 2


async def test_what_has_a_job_is_left_alone(visitors: Visitors, service: Application) -> None:
    visitors("east")
    texts = mood.texts(40, 0)
    jobs = service.of("east").jobs
    jobs.submit([Document.of_text(text, id=text) for text in texts], [mood.REF])
    found = [await asyncio.to_thread(_strays(service, "east")) for _ in range(5)]
    assert found == [0] * 5
    assert await asyncio.to_thread(jobs.wait, texts, 60.0)
    assert await asyncio.to_thread(_strays(service, "east")) == 0
    [runs] = {request.run for text in texts for request in _requests(service, text)}
    assert runs == 1


def _requests(service: Application, id: str):
    return service.of("east").store.documents.get(id).requests


CRASH = """
import os, sqlite3, sys
from pathlib import Path
import sqlalchemy as sa
from llmlabel.domain.document import Document
from llmlabel.store import Store

store = Store.open(sys.argv[1], recordings=Path("none"))
project = store.of_project("east", recordings=Path("none"))

def enqueue(connection, asked):
    connection.execute(sa.text("CREATE TABLE IF NOT EXISTS service.queued (id TEXT)"))
    for each in asked:
        connection.execute(
            sa.text("INSERT INTO service.queued VALUES (:id)"), {"id": each.document_id}
        )

print("begin", flush=True)
for n in range(100_000):
    document = Document.of_text(f"good day {n}", id=f"d{n}")
    project.documents.add([document], ["g@1.0.0"], enqueue)
    print(document.id, flush=True)
"""


@pytest.mark.parametrize("after", [0, 7, 40])
def test_a_killed_process_leaves_no_job_without_its_document(
    database_url: str, tmp_path: Path, after: int
) -> None:
    store = Store.open(database_url, recordings=tmp_path)
    Projects(store.database).create("east")
    command = [sys.executable, "-c", CRASH, database_url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        assert process.stdout is not None
        told = []
        for line in process.stdout:
            told.append(line.strip())
            if len(told) > after:
                os.kill(process.pid, signal.SIGKILL)
                break
    project = store.of_project("east", recordings=tmp_path)
    with project.database.read() as connection:
        documents = set(connection.execute(sa.text("SELECT id FROM documents")).scalars())
        there = connection.execute(
            sa.text("SELECT name FROM service.sqlite_master WHERE name = 'queued'")
        ).scalar()
        queued = set(
            connection.execute(sa.text("SELECT id FROM service.queued")).scalars() if there else ()
        )
    assert set(told[1:]) <= queued  # what was told as accepted is in both
    assert queued <= documents
    assert len(documents - queued) <= 1
    project.close()
    store.close()
