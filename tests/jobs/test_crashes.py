from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from started import Process, processes

from llmlabel.store import Store
from llmlabel.store.tables import labels, predictions, reviews

WORKER = Path(__file__).with_name("worker.py")
Start = Callable[..., Process]


@pytest.fixture
def start(database_url: str, tmp_path: Path) -> Iterator[Start]:
    """Starts worker processes; those left are killed at the end."""
    with processes() as begin:

        def started(name: str, mode: str, count: int, *, hold: int | None = None) -> Process:
            return begin(WORKER, database_url, tmp_path, name, mode, count, hold or count)

        yield started


def _says(process: Process) -> str:
    """The next word of a worker, among the lines of its log; empty when it ended."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip() in {"accepted", "settled"}:
            return line.strip()
    return ""


def _wait_for(reached: Callable[[], bool]) -> None:
    end = time.monotonic() + 120
    while not reached():
        assert time.monotonic() < end, "the worker did not come so far"
        time.sleep(0.01)


def _rows(store: Store, table: sa.Table) -> int:
    with store.database.read() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


def _is_whole(store: Store, count: int) -> None:
    assert store.counts().requests == {"queued": 0, "done": count, "failed": 0}
    assert _rows(store, labels) == _rows(store, predictions) == count
    assert _rows(store, reviews) == sum(f"d{n}".endswith("7") for n in range(count))
    for n in range(count):
        assert len(store.labels.history(f"d{n}")) == 1


def test_killing_the_worker_again_and_again_loses_nothing_and_doubles_nothing(
    store: Store, start: Start
) -> None:
    count = 120
    for kill_at, mode in ((15, "submit"), (60, "work")):
        process = start("w", mode, count, hold=kill_at)
        assert _says(process) == "accepted"
        _wait_for(lambda at=kill_at: _rows(store, labels) >= at)  # type: ignore[misc]
        process.kill()
        process.wait()
        assert store.counts().requests["queued"] > 0
    process = start("w", "work", count)
    assert [_says(process), _says(process)] == ["accepted", "settled"]
    _is_whole(store, count)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_living_worker_takes_over_from_one_that_never_returns(store: Store, start: Start) -> None:
    count = 40
    lost = start("lost", "submit", count, hold=10)
    assert _says(lost) == "accepted"
    _wait_for(lambda: _rows(store, labels) >= 10)
    lost.kill()
    lost.wait()
    store.work.retire("lost")  # as a minute of silence would
    living = start("living", "work", count)
    assert [_says(living), _says(living)] == ["accepted", "settled"]
    _is_whole(store, count)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_document_that_ends_the_process_fails_visibly_and_alone(
    store: Store, start: Start
) -> None:
    count = 20
    ends = []
    while "settled" not in ends and len(ends) < 6:
        process = start("w", "poison", count)
        said = [_says(process), _says(process)]
        ends.append("settled" if "settled" in said else str(process.wait()))
    assert ends == ["9", "9", "settled"]
    requests = {item.id: item.requests[0] for item in store.documents.page().items}
    failure = requests["d3"].failure
    assert failure is not None
    assert failure.code == "crashed"
    assert [id for id, request in requests.items() if request.status != "done"] == ["d3"]
