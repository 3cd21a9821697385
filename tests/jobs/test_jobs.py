from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from worker import alone, label

from llmlabel.domain.document import Document, Transcript
from llmlabel.domain.label import Label
from llmlabel.errors import (
    DocumentConflict,
    InvalidAudio,
    MissingModel,
    ModelBusy,
    ModelUnreachable,
    NotFound,
    Unsupported,
)
from llmlabel.jobs import Jobs, Patience, Transcription
from llmlabel.store import Recording, Store

SENTIMENT, INTENT = "sentiment@1.0.0", "intent@1.0.0"
FAST = Patience(tries=3, first_wait=0.01, longest_wait=0.05)


@dataclass
class Said:
    text: str
    transcript: Transcript


class Labeling:
    """Labels at once, after raising the errors it was given."""

    def __init__(self) -> None:
        self.calls: list[tuple[list[str], str]] = []
        self.errors: list[Exception] = []
        self.bad: set[str] = set()

    async def __call__(self, documents: Sequence[Document], guideline: str) -> Sequence[Label]:
        self.calls.append(([document.id for document in documents], guideline))
        if self.errors:
            raise self.errors.pop(0)
        if self.bad & {document.id for document in documents}:
            raise ValueError("this one cannot be labeled")
        return [label(document, guideline) for document in documents]


class Listening:
    """Hears the text that the file holds; refuses what does not begin with `SOUND`."""

    async def __call__(self, path: Path, language: str | None) -> Transcription:
        content = await asyncio.to_thread(path.read_text)
        if not content.startswith("SOUND"):
            raise InvalidAudio("The file is not audio.", field="file")
        return Said(
            text=content.removeprefix("SOUND"),
            transcript=Transcript(
                model="m",
                language=language or "en",
                language_probability=1,
                duration_seconds=1,
                speech_seconds=1,
            ),
        )


@pytest.fixture
def labeling() -> Labeling:
    return Labeling()


@pytest.fixture
def jobs(store: Store, labeling: Labeling) -> Iterator[Jobs]:
    jobs = alone(
        store, labeling, Listening(), chunk=10, patience=FAST, runner={"upkeep_seconds": 0.2}
    )
    jobs.runner.start()
    yield jobs
    jobs.runner.stop()


def _docs(*ids: str) -> list[Document]:
    return [Document.of_text(f"text of {id}", id=id) for id in ids]


def _keep(store: Store, content: bytes) -> Recording:
    return store.recordings.save(io.BytesIO(content), "call.wav")


def test_accepted_documents_are_labeled_in_chunks_under_every_guideline(
    store: Store, jobs: Jobs, labeling: Labeling
) -> None:
    ids = [f"d{n:02}" for n in range(25)]
    stored = jobs.submit(_docs(*ids), [SENTIMENT, INTENT])
    assert {(item.status, item.created) for item in stored} == {("queued", True)}
    assert jobs.wait(ids, 120)
    for item in store.documents.get_many(ids):
        assert [stored.label.guideline for stored in item.labels] == [INTENT, SENTIMENT]
    assert sorted(len(documents) for documents, _ in labeling.calls) == [5, 5, 10, 10, 10, 10]


def test_a_document_submitted_again_is_not_labeled_again(jobs: Jobs, labeling: Labeling) -> None:
    jobs.submit(_docs("a"), [SENTIMENT])
    assert jobs.wait(["a"], 120)
    again = jobs.submit(_docs("a", "b"), [SENTIMENT])
    assert [(item.created, item.status) for item in again] == [(False, "done"), (True, "queued")]
    assert jobs.wait(["a", "b"], 120)
    assert [documents for documents, _ in labeling.calls] == [["a"], ["b"]]


def test_a_conflict_accepts_nothing(jobs: Jobs, store: Store, labeling: Labeling) -> None:
    jobs.submit(_docs("a"), [])
    with pytest.raises(DocumentConflict):
        jobs.submit([*_docs("b"), Document.of_text("other", id="a")], [SENTIMENT])
    assert jobs.wait(["a", "b"], 120)
    assert labeling.calls == []
    assert store.counts().documents == 1


@pytest.mark.parametrize("error", [ModelBusy("wait", retry_after=0.01), ModelUnreachable("gone")])
def test_what_may_succeed_is_tried_again(
    store: Store, jobs: Jobs, labeling: Labeling, error: Exception
) -> None:
    labeling.errors = [error, error]
    jobs.submit(_docs("a"), [SENTIMENT])
    assert jobs.wait(["a"], 120)
    assert store.documents.get("a").status == "done"
    assert len(labeling.calls) == 3


@pytest.mark.parametrize(
    ("errors", "code", "calls"),
    [
        ([ModelUnreachable("gone")] * 3, "model-unreachable", 3),
        ([ModelBusy("tomorrow", retry_after=3600)], "model-busy", 1),
        ([MissingModel("llmlabel models pull x")], "missing-model", 1),
    ],
)
def test_work_that_cannot_be_done_fails_with_its_reason_and_can_be_asked_anew(
    store: Store, jobs: Jobs, labeling: Labeling, errors: list[Exception], code: str, calls: int
) -> None:
    labeling.errors = list(errors)
    jobs.submit(_docs("a", "b"), [SENTIMENT])
    assert jobs.wait(["a", "b"], 120)
    for stored in store.documents.get_many(["a", "b"]):
        assert stored.status == "failed"
        assert stored.labels == ()
        assert stored.requests[0].failure is not None
        assert stored.requests[0].failure.code == code
        assert stored.requests[0].failure.detail == errors[-1].args[0]
    assert len(labeling.calls) == calls
    assert jobs.requeue("a").status == "queued"
    assert jobs.wait(["a"], 120)
    assert store.documents.get("a").status == "done"
    assert store.documents.get("a").requests[0].run == 2
    assert store.documents.get("b").status == "failed"


def test_one_document_that_cannot_be_labeled_does_not_harm_the_others(
    store: Store, jobs: Jobs, labeling: Labeling
) -> None:
    labeling.bad = {"b"}
    jobs.submit(_docs("a", "b", "c"), [SENTIMENT])
    assert jobs.wait(["a", "b", "c"], 120)
    assert [item.status for item in store.documents.get_many(["a", "b", "c"])] == [
        "done",
        "failed",
        "done",
    ]
    failure = store.documents.get("b").requests[0].failure
    assert failure is not None
    assert "this one cannot be labeled" in failure.detail


def test_labels_in_another_order_are_never_stored(store: Store) -> None:
    async def mixed_up(documents: Sequence[Document], guideline: str) -> Sequence[Label]:
        return [label(documents[0], guideline), *(label(documents[0], guideline),)]

    jobs = alone(store, mixed_up, Listening())
    jobs.runner.start()
    jobs.submit(_docs("a", "b"), [SENTIMENT])
    assert jobs.wait(["a", "b"], 120)
    jobs.runner.stop()
    assert store.counts().requests == {"queued": 0, "done": 0, "failed": 2}
    assert store.counts().labels_accepted == 0


def test_asking_anew_for_what_is_not_stored_is_an_error(jobs: Jobs) -> None:
    with pytest.raises(NotFound):
        jobs.requeue("nothing")


def test_waiting_ends_when_time_is_up(store: Store, jobs: Jobs) -> None:
    store.documents.add(_docs("never"), [SENTIMENT])  # asked, but not queued
    assert not jobs.wait(["never"], 0.05)


def test_a_recording_is_transcribed_and_its_text_labeled(store: Store, jobs: Jobs) -> None:
    stored = jobs.submit_recording(
        _keep(store, b"SOUNDhello there"), [SENTIMENT, "transcription@1.0.0"], language="de"
    )
    assert jobs.wait([stored.id], 120)
    done = store.documents.get(stored.id)
    assert done.document is not None
    assert (done.document.text, done.document.language) == ("hello there", "de")
    assert done.document.transcript is not None
    assert len(done.labels) == 2
    assert jobs.submit_recording(_keep(store, b"SOUNDhello there"), []).created is False


def test_a_recording_that_cannot_be_read_fails_with_its_reason(store: Store, jobs: Jobs) -> None:
    stored = jobs.submit_recording(_keep(store, b"text"), [SENTIMENT])
    assert jobs.wait([stored.id], 120)
    done = store.documents.get(stored.id)
    assert (done.status, done.document) == ("failed", None)
    assert done.failure is not None
    assert done.failure.code == "invalid-audio"


def test_silence_is_a_transcript_but_no_sentiment(
    store: Store, jobs: Jobs, labeling: Labeling
) -> None:
    stored = jobs.submit_recording(_keep(store, b"SOUND"), [SENTIMENT, "transcription@1.0.0"])
    assert jobs.wait([stored.id], 120)
    by_guideline = {item.guideline: item for item in store.documents.get(stored.id).requests}
    assert by_guideline["transcription@1.0.0"].status == "done"
    failure = by_guideline[SENTIMENT].failure
    assert failure is not None
    assert failure.code == "nothing-said"
    assert [guideline for _, guideline in labeling.calls] == ["transcription@1.0.0"]


def test_one_process_runs_one_queue(store: Store, jobs: Jobs, labeling: Labeling) -> None:
    other = alone(store, labeling, Listening())
    with pytest.raises(Unsupported):
        other.runner.start()
    jobs.submit(_docs("a"), [SENTIMENT])
    assert jobs.wait(["a"], 120)


def test_a_job_cut_off_by_a_stop_is_done_by_the_next_start(store: Store) -> None:
    begun = threading.Event()

    async def forever(documents: Sequence[Document], guideline: str) -> Sequence[Label]:
        begun.set()
        await asyncio.sleep(3600)
        return []

    first = alone(store, forever, Listening(), runner={"worker": "w"})
    first.runner.start()
    first.submit(_docs("a", "b"), [SENTIMENT])
    assert begun.wait(120)
    first.runner.stop(timeout=0.1)
    stored = store.documents.get("a")
    assert stored.status == "queued"
    assert stored.requests[0].attempts == 0
    labeling = Labeling()
    second = alone(store, labeling, Listening(), runner={"worker": "w"})
    second.runner.start()
    assert second.wait(["a", "b"], 120)
    second.runner.stop()
    assert labeling.calls == [(["a", "b"], SENTIMENT)]


def test_all_labeling_shares_one_event_loop(store: Store) -> None:
    loops: set[Any] = set()

    async def note(documents: Sequence[Document], guideline: str) -> Sequence[Label]:
        loops.add(asyncio.get_running_loop())
        await asyncio.sleep(0.01)
        return [label(document, guideline) for document in documents]

    jobs = alone(store, note, Listening(), chunk=1)
    jobs.runner.start()
    jobs.submit(_docs(*"abcdef"), [SENTIMENT])
    assert jobs.wait(list("abcdef"), 120)
    jobs.runner.stop()
    assert len(loops) == 1


def test_threads_that_submit_the_same_documents_get_each_labeled_once(
    store: Store, jobs: Jobs, labeling: Labeling
) -> None:
    ids = [f"d{n}" for n in range(20)]
    created: list[bool] = []

    def send(order: Callable[[list[Document]], list[Document]]) -> None:
        created.extend(item.created for item in jobs.submit(order(_docs(*ids)), [SENTIMENT]))

    threads = [
        threading.Thread(target=send, args=(order,))
        for order in (list, lambda docs: docs[::-1], list, lambda docs: docs[::-1])
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert jobs.wait(ids, 120)
    assert sum(created) == 20
    assert sorted(id for documents, _ in labeling.calls for id in documents) == sorted(ids)
    assert store.counts().requests["done"] == 20
