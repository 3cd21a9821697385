"""Readers that are killed in the middle of a file: no line is lost, none is read twice."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from batch_service import BatchService
from started import Process, processes

from llmlabel.store import Store
from llmlabel.store.tables import labels

WORKER = Path(__file__).with_name("batch_worker.py")
COUNT = 1500
Start = Callable[..., Process]


@pytest.fixture
def start(database_url: str, tmp_path: Path) -> Iterator[Start]:
    with processes() as begin:
        yield lambda name, hold=30.0: begin(WORKER, database_url, tmp_path, name, hold)


@pytest.fixture
def sender(database_url: str, tmp_path: Path) -> Iterator[BatchService]:
    """Sends and looks, and does no work."""
    service = BatchService(database_url, tmp_path, worker="sender")
    yield service
    service.store.close()


def _send(sender: BatchService) -> str:
    rows = [f'{{"id": "d{n}", "text": "text {n}"}}' for n in range(COUNT)]
    rows[10], rows[COUNT - 2] = "{", "nothing"
    return sender.send("\n".join(rows).encode()).id


def _reached(sender: BatchService, id: str, lines: int) -> None:
    end = time.monotonic() + 90
    while sender.batches.get(id).lines_read < lines:
        assert time.monotonic() < end, sender.batches.get(id)
        time.sleep(0.01)


def _is_whole(store: Store, sender: BatchService, id: str) -> None:
    batch = sender.wait(id, seconds=90)
    assert (batch.status, batch.accepted, batch.refused) == ("done", COUNT - 2, 2)
    assert sorted(sender.errors(id)) == [11, COUNT - 1]
    found = sender.results(id)
    wrong = {11, COUNT - 1}
    assert [each.line for each in found] == [n for n in range(1, COUNT + 1) if n not in wrong]
    assert all(each.document_id == f"d{each.line - 1}" for each in found)
    assert store.counts().requests == {"queued": 0, "done": COUNT - 2, "failed": 0}
    with store.database.read() as connection:
        made = connection.execute(sa.select(sa.func.count()).select_from(labels)).scalar_one()
    assert made == COUNT - 2


def test_a_reader_killed_again_and_again_goes_on_where_it_was(
    sender: BatchService, start: Start
) -> None:
    id = _send(sender)
    for lines in (200, 700):
        process = start("w")
        _reached(sender, id, lines)
        process.kill()
        process.wait()
        assert sender.batches.get(id).status == "reading"
    start("w")
    _is_whole(sender.store, sender, id)


def test_another_process_goes_on_when_a_reader_never_returns(
    sender: BatchService, start: Start
) -> None:
    id = _send(sender)
    lost = start("lost", 2.0)
    _reached(sender, id, 200)
    start("waits", 2.0)
    lost.kill()
    lost.wait()
    sender.store.work.retire("lost")  # what it had begun to label is taken over at once
    _is_whole(sender.store, sender, id)
