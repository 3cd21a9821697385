"""What waits is bounded, and who is refused is told when there will be room."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from worker import GUIDELINE, alone, label, no_sound

from llmlabel.domain.document import Document
from llmlabel.errors import QueueFull
from llmlabel.jobs import Jobs
from llmlabel.jobs.room import LONGEST_SECONDS, UNKNOWN_SECONDS, Room
from llmlabel.store import Store

OTHER = "intent@1.0.0"


async def labeling(documents: list[Document], guideline: str) -> list[object]:
    return [label(document, guideline) for document in documents]


@pytest.fixture
def jobs(store: Store) -> Iterator[Jobs]:
    """Jobs that may wait ten at a time, and do."""
    jobs = alone(store, labeling, no_sound, runner={"queues": ()}, max_waiting=10)
    jobs.runner.start()
    yield jobs
    jobs.runner.stop()


def docs(first: int, last: int) -> list[Document]:
    return [Document.of_text(f"text {n}", id=f"d{n}") for n in range(first, last)]


def test_a_full_queue_takes_nothing_and_says_its_limit(store: Store, jobs: Jobs) -> None:
    assert jobs.room() == 10
    jobs.submit(docs(0, 4), [GUIDELINE, OTHER])
    assert jobs.room() == 2
    with pytest.raises(QueueFull, match=r"8 documents wait.* at most 10 may; 3 more") as caught:
        jobs.submit(docs(4, 7), [GUIDELINE])
    assert caught.value.retry_after == UNKNOWN_SECONDS
    assert store.counts().documents == 4
    jobs.submit(docs(4, 6), {"d4": [GUIDELINE], "d5": [OTHER]})
    assert jobs.room() == 0


def test_a_full_queue_takes_no_recording(store: Store, jobs: Jobs) -> None:
    jobs.submit(docs(0, 9), [GUIDELINE])
    recording = store.recordings.save(io.BytesIO(b"RIFF"), "call.wav")
    with pytest.raises(QueueFull):
        jobs.submit_recording(recording, [GUIDELINE])
    assert jobs.submit_recording(recording, []).created


def test_what_is_done_makes_room_and_its_rate_says_when(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 's.db'}", recordings=tmp_path / "r")
    now = 0.0
    room = Room(store, 100, lambda: now)
    some = docs(0, 100)
    store.documents.add(some, [GUIDELINE])
    assert room.left() == 0
    for _ in range(4):  # five a second are done
        store.labels.save([label(each, GUIDELINE) for each in some[:10]], 1, None)
        some = some[10:]
        now += 2.0
        assert room.left() == 100 - len(some)
    assert room.left() == 40
    with pytest.raises(QueueFull) as caught:
        room.check(60)
    assert caught.value.retry_after == 4
    with pytest.raises(QueueFull) as caught:
        room.check(100_000)
    assert caught.value.retry_after == LONGEST_SECONDS
    room.check(40)
    room.taken(40)
    assert room.left() == 0
    store.close()
