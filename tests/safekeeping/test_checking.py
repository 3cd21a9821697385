from __future__ import annotations

import io
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from llmlabel.domain.document import Document
from llmlabel.domain.label import Label
from llmlabel.errors import NotFound
from llmlabel.jobs import Jobs, Runner, Transcription
from llmlabel.safekeeping.checking import Finding, check
from llmlabel.safekeeping.service import Service
from llmlabel.store import Failure, Store
from llmlabel.store.projects import Projects
from llmlabel.store.tables import requests


def no_step(what: str, total: int | None) -> Callable[[int], None]:
    return lambda done: None


async def never(documents: Sequence[Document], guideline: str) -> Sequence[Label]:
    raise AssertionError("nothing is worked on here")


async def deaf(path: Path, language: str | None) -> Transcription:
    raise AssertionError(path)


@pytest.fixture
def store(source: Service) -> Store:
    """A service that accepted two documents and a recording, in each of two projects."""
    store = Store(source.default, source.folders("default")["recordings"])
    Projects(source.default).create("shop")
    shop = Store(source.make("shop"), source.folders("shop")["recordings"])
    jobs: dict[str, Jobs] = {}
    runner = Runner(store, lambda name: jobs[name], queues=())
    jobs["default"] = Jobs(store, never, deaf, runner)
    jobs["shop"] = Jobs(shop, never, deaf, runner, project="shop")
    runner.start()
    try:
        for each, kept in (("default", store), ("shop", shop)):
            texts = [Document.of_text(f"text {n}", id=f"d{n}") for n in range(2)]
            jobs[each].submit(texts, ["sentiment@1.0.0", "intent@1.0.0"])
            sound = kept.recordings.save(io.BytesIO(each.encode()), "call.wav")
            jobs[each].submit_recording(sound, ["sentiment@1.0.0"], id="call")
    finally:
        runner.stop()
    return store


def bad(service: Service) -> list[Finding]:
    return [found for found in check(service, no_step) if not found.good]


def change(service: Service, project: str, statement: str, **values: Any) -> None:
    with service.of_project(project).write() as connection:
        connection.execute(sa.text(statement), values)


def test_all_is_well_with_a_service_that_has_work_to_do(source: Service, store: Store) -> None:
    store.work.fail(["d0"], "intent@1.0.0", 1, Failure(code="x", detail="It failed."))
    found = list(check(source, no_step))
    assert all(each.good for each in found)
    assert {(each.project, each.what) for each in found} == {
        ("all", "jobs"),
        *(
            (project, what)
            for project in ("default", "shop")
            for what in ("file", "schema", "references", "results", "recordings", "rows")
        ),
    }
    assert "documents 3" in next(each.note for each in found if each.what == "rows")


@pytest.mark.parametrize("project", ["default", "shop"])
def test_what_waits_without_a_job_is_found(source: Service, store: Store, project: str) -> None:
    # As if a job had been lost: asked again under another run, which nobody queued.
    change(source, project, "UPDATE requests SET run = 2 WHERE document_id = 'd1'")
    change(source, project, "UPDATE transcriptions SET run = 2")
    [found] = bad(source)
    assert found.what == "jobs" and sorted(found.faults) == [
        "document d1 under intent@1.0.0",
        "document d1 under sentiment@1.0.0",
        "recording of call",
    ]


def test_a_result_that_is_not_there_is_found(source: Service, store: Store) -> None:
    with source.default.write() as connection:
        done = sa.update(requests).where(requests.c.document_id == "d0").values(status="done")
        connection.execute(done.where(requests.c.guideline == "intent@1.0.0"))
        connection.execute(
            sa.update(requests).where(requests.c.document_id == "d1").values(status="failed")
        )
    [found] = bad(source)
    assert found.what == "results"
    assert found.faults[0] == "document d0 (intent@1.0.0) is done and has no label"
    assert len(found.faults) == 3


def test_recordings_that_are_missing_or_changed_are_found(source: Service, store: Store) -> None:
    [kept] = source.folders("shop")["recordings"].glob("*/*")
    kept.write_bytes(b"other")
    [changed] = bad(source)
    assert (changed.project, changed.what) == ("shop", "recordings")
    assert changed.faults == (f"{kept} is not as it was received",)
    kept.unlink()
    [missing] = bad(source)
    assert missing.faults == (f"{kept} is missing",)
    assert all(found.good for found in check(source, no_step, files=False))


def test_tables_that_were_changed_by_hand_are_found(source: Service, store: Store) -> None:
    change(source, "shop", "ALTER TABLE documents ADD COLUMN mine TEXT")
    [found] = bad(source)
    assert (found.project, found.what) == ("shop", "schema") and "mine" in found.faults[0]


def test_a_database_of_another_release_is_told(source: Service, store: Store) -> None:
    change(source, "default", "UPDATE llmlabel_schema SET version_num = '9999'")
    [newer] = bad(source)
    assert newer.what == "schema" and "newer release" in newer.faults[0]
    change(source, "default", "UPDATE llmlabel_schema SET version_num = '0001'")
    [older] = bad(source)
    assert older.faults[0] == "migration 0002 is missing" and older.remedy == "llmlabel db upgrade"


def test_a_damaged_file_is_found(service_at: Callable[[str, str], Service], tmp_path: Path) -> None:
    service = service_at(f"sqlite:///{tmp_path / 'a.db'}", "home")
    with pytest.raises(NotFound, match="There is no database"):
        list(check(service, no_step))
    store = Store(service.make("default"), tmp_path)
    texts = [Document.of_text(f"text {n}" * 50, id=f"d{n}") for n in range(300)]
    store.documents.add(texts, ["sentiment@1.0.0"])
    service.default.close()
    with sqlite3.connect(tmp_path / "a.db") as connection:
        # An index that says other than its table.
        connection.execute("PRAGMA writable_schema=ON")
        [page] = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'ix_documents_text_sha256'"
        ).fetchone()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    content = bytearray((tmp_path / "a.db").read_bytes())
    content[(page - 1) * 4096 + 100 : page * 4096] = bytes(3996)
    (tmp_path / "a.db").write_bytes(content)
    found = next(each for each in check(service, no_step) if each.what == "file")
    assert not found.good
