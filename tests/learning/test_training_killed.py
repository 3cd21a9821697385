"""A service that is killed while it trains: it serves what it had, and trains once in the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from started import Process, processes
from training_parts import World
from training_worker import JOB

from llmlabel.learned import Learned
from llmlabel.store import Store

WORKER = Path(__file__).with_name("training_worker.py")
Start = Callable[[str], Process]


@pytest.fixture
def start(database_url: str, tmp_path: Path) -> Iterator[Start]:
    """Starts services; those left are killed at the end."""
    with processes() as begin:
        yield lambda mode: begin(WORKER, database_url, tmp_path, mode)


def _says(process: Process, word: str) -> bool:
    assert process.stdout is not None
    return any(line.strip() == word for line in process.stdout)


async def test_a_service_killed_while_it_trains_keeps_its_learned_version_and_trains_once(
    store: Store, start: Start
) -> None:
    world = World(store)
    world.gold(60)
    first = await world.train(student=False)

    def active() -> str:
        row = store.trainings.active(world.guideline.ref, world.guideline.sha256)
        assert row is not None
        return row.id

    process = start("submit")
    assert _says(process, "begun")
    process.kill()
    process.wait()
    assert active() == first.id
    assert Learned.from_bytes(store.trainings.payload(first.id)).n == first.n
    assert store.events.of(JOB, "learn.done", "learn.failed") == []

    process = start("end")
    for word in ("begun", "labeled before", "labeled after"):
        assert _says(process, word)
    [done] = store.events.of(JOB, "learn.done", "learn.failed")
    assert done.payload == {"result": active()}
    assert active() != first.id
    rows = [(row.started_by, row.status) for row in store.trainings.list()]
    assert rows == [(JOB, "done"), (JOB, "failed"), ("a test", "done")]

    judged_by = {}
    for id in ("before", "after"):
        [stored] = store.documents.get(id).labels
        assert stored.label.confidence is not None
        judged_by[id] = stored.label.confidence.calibrator
    assert judged_by == {"before": first.id, "after": active()}
