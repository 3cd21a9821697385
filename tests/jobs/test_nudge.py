from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from worker import alone, label

from llmlabel.domain.document import Document
from llmlabel.domain.label import Label
from llmlabel.jobs import Jobs, Transcription
from llmlabel.jobs.board import Board
from llmlabel.jobs.nudge import Nudges
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
