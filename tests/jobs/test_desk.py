"""What waits and what failed is seen with its reason, asked anew, or called off."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Callable, Iterator, Sequence

import pytest
from worker import alone, label

from llmlabel.domain.document import Document, Transcript
from llmlabel.domain.label import Label
from llmlabel.errors import Conflict, InvalidAudio, InvalidInput, MissingModel, NotFound
from llmlabel.jobs import Jobs, Patience
from llmlabel.store import Store

MOOD, TOPIC = "mood@1.0.0", "topic@2.0.0"


class Said:
    """A transcription."""

    text = "hello"
    transcript = Transcript(
        model="tiny",
        language="en",
        language_probability=1.0,
        duration_seconds=1.0,
        speech_seconds=1.0,
    )


class Work:
    """Labels, learns and listens, unless it was told to fail or to hold still."""

    def __init__(self) -> None:
        self.broken = True
        self.held = False

    async def label(self, documents: Sequence[Document], guideline: str) -> Sequence[Label]:
        while self.held:  # noqa: ASYNC110 - another thread lets it go
            await asyncio.sleep(0.01)
        if self.broken and guideline == MOOD:
            raise MissingModel("llmlabel models pull x")
        if self.broken and any(document.id == "d0" for document in documents):
            raise ValueError("an odd text")
        return [label(document, guideline) for document in documents]

    async def listen(self, path: object, language: str | None) -> object:
        raise InvalidAudio("The file is not audio.", field="file")

    async def hear(self, path: object, language: str | None) -> Said:
        while self.held:  # noqa: ASYNC110 - another thread lets it go
            await asyncio.sleep(0.01)
        return Said()

    async def learn(self, id: str, guideline: str, argument: str) -> str:
        if self.broken:
            raise Conflict("There is no gold.")
        return "t-1"


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def jobs(store: Store, work: Work) -> Iterator[Jobs]:
    jobs = alone(
        store,
        work.label,
        work.listen,
        learn={"train": work.learn},
        patience=Patience(tries=1),
        runner={"upkeep_seconds": 0.2},
    )
    jobs.runner.start()
    yield jobs
    jobs.runner.stop(1)


@pytest.fixture
def failed(store: Store, jobs: Jobs) -> list[str]:
    """Ids of jobs of every kind that failed, in the order of a list."""
    ids = [f"d{n}" for n in range(3)]
    jobs.submit([Document.of_text(f"text {id}", id=id) for id in ids], [MOOD])
    jobs.submit([Document.of_text("text d0", id="d0")], [TOPIC])
    recording = store.recordings.save(io.BytesIO(b"noise"), "call.wav")
    jobs.submit_recording(recording, [TOPIC], id="r")
    jobs.learning.submit("train", MOOD, id="j-1")
    assert jobs.wait([*ids, "r"], 60)
    _learned(jobs, "j-1")
    return [
        *(f"text:{MOOD}:{id}" for id in ids),
        f"text:{TOPIC}:d0",
        f"text:{TOPIC}:r",
        "audio:r",
        "learning:j-1",
    ]


def _learned(jobs: Jobs, id: str) -> None:
    for _ in range(600):
        seen = jobs.runner.board.version
        if jobs.learning.get(id).status != "queued":
            return
        jobs.runner.board.wait(seen, 0.1)
    raise AssertionError(f"{id} is still queued")


def test_everything_that_failed_is_listed_with_its_reason(jobs: Jobs, failed: list[str]) -> None:
    found, more = jobs.desk.page()
    assert [job.id for job in found] == failed
    assert more is None
    assert [job.error.code for job in found if job.error] == [
        *["missing-model"] * 3,
        "internal-error",
        *["invalid-audio"] * 2,
        "conflict",
    ]
    assert [jobs.desk.get(id) for id in failed] == found
    assert {job.what for job in found} == {"label", "transcribe", "train"}
    assert jobs.desk.page(status="queued") == ([], None)


def test_a_list_is_read_page_by_page_and_narrowed(jobs: Jobs, failed: list[str]) -> None:
    for size in (1, 2, 3, 6):
        seen, cursor = [], None
        while True:
            some, cursor = jobs.desk.page(limit=size, cursor=cursor)
            seen += [job.id for job in some]
            assert len(some) <= size
            if cursor is None:
                break
        assert seen == failed

    def ids(**only: str) -> list[str]:
        return [job.id for job in jobs.desk.page(**only)[0]]  # type: ignore[arg-type]

    assert ids(queue="audio") == ["audio:r"]
    assert ids(guideline="topic") == failed[3:5]
    assert ids(guideline=MOOD) == [*failed[:3], "learning:j-1"]
    assert ids(code="invalid-audio") == failed[4:6]


@pytest.mark.parametrize("cursor", ["x", "", "WyJ0ZXh0Il0", "e30", "WzFd", "ÿ"])
def test_a_cursor_of_nobodys_is_refused(jobs: Jobs, cursor: str) -> None:
    with pytest.raises(InvalidInput):
        jobs.desk.page(cursor=cursor)


def test_what_failed_is_retried_one_by_one(
    store: Store, jobs: Jobs, work: Work, failed: list[str]
) -> None:
    work.broken = False
    job = jobs.desk.retry(failed[1])
    assert (job.status, job.run, job.error) == ("queued", 2, None) or job.status == "done"
    assert jobs.wait(["d1"], 60)
    assert jobs.desk.get(failed[1]).status == "done"
    with pytest.raises(Conflict, match="is done"):
        jobs.desk.retry(failed[1])
    again = jobs.desk.retry("learning:j-1")
    _learned(jobs, again.id.removeprefix("learning:"))
    assert jobs.desk.get(again.id).status == "done"


def test_what_failed_is_retried_by_guideline_and_reason(
    jobs: Jobs, work: Work, failed: list[str]
) -> None:
    work.broken = False
    assert jobs.desk.retry_failed(guideline="mood", code="other") == 0
    assert jobs.desk.retry_failed(guideline="mood", limit=2) == 2
    assert jobs.desk.retry_failed(guideline="mood") == 1
    assert jobs.wait(["d1", "d2"], 60)
    assert [job.id for job in jobs.desk.page()[0]] == failed[3:]
    # Nobody can hear the recording now either; what is asked of it goes with it.
    assert jobs.desk.retry_failed() == 2
    assert jobs.wait(["d0", "r"], 60)
    assert [job.id for job in jobs.desk.page()[0]] == failed[4:]
    assert jobs.desk.get("audio:r").run == 2


def test_what_fails_again_is_not_retried_without_end(jobs: Jobs, failed: list[str]) -> None:
    assert jobs.desk.retry_failed(queue="text") == 4
    assert jobs.wait(["d0", "d1", "d2"], 60)
    assert [job.id for job in jobs.desk.page()[0]] == failed


def test_what_is_called_off_is_thrown_away_and_can_be_retried(
    store: Store, jobs: Jobs, work: Work
) -> None:
    work.broken, work.held = False, True
    jobs.submit([Document.of_text(f"text {n}", id=f"d{n}") for n in range(2)], [MOOD])
    [first, second], _ = jobs.desk.page(status="queued")
    called_off = jobs.desk.cancel(first.id)
    assert called_off.error is not None
    assert (called_off.status, called_off.error.code) == ("failed", "cancelled")
    assert jobs.desk.cancel(first.id) == called_off
    work.held = False
    assert jobs.wait(["d0", "d1"], 60)
    assert store.labels.history("d0") == []
    assert jobs.desk.get(second.id).status == "done"
    with pytest.raises(Conflict, match="only what waits"):
        jobs.desk.cancel(second.id)
    jobs.desk.retry(first.id)
    assert jobs.wait(["d0"], 60)
    assert len(store.labels.history("d0")) == 1


def test_a_label_that_is_being_made_is_thrown_away_when_it_is_called_off(
    store: Store, jobs: Jobs, work: Work
) -> None:
    work.broken, work.held = False, True
    jobs.submit([Document.of_text(f"text {n}", id=f"d{n}") for n in range(2)], [MOOD])
    called_off, other = (f"text:{MOOD}:d{n}" for n in range(2))
    _begun(jobs, called_off)
    jobs.desk.cancel(called_off)
    work.held = False
    _ended(jobs, other)
    assert jobs.desk.get(other).status == "done"
    assert jobs.desk.get(called_off).status == "failed"
    assert store.labels.history("d0") == []
    jobs.desk.retry(called_off)
    assert jobs.wait(["d0"], 60)
    assert len(store.labels.history("d0")) == 1


def test_what_is_retried_before_its_recording_has_a_text_waits_for_it(
    store: Store, work: Work
) -> None:
    work.broken, work.held = False, True
    jobs = alone(store, work.label, work.hear, runner={"upkeep_seconds": 0.2})
    jobs.runner.start()
    try:
        recording = store.recordings.save(io.BytesIO(b"noise"), "call.wav")
        jobs.submit_recording(recording, [TOPIC], id="r")
        _begun(jobs, "audio:r")
        jobs.desk.cancel(f"text:{TOPIC}:r")
        jobs.desk.retry(f"text:{TOPIC}:r")
        # Behind whatever was queued for it, were that anything.
        jobs.submit([Document.of_text("good day", id="d")], [TOPIC])
        _begun(jobs, f"text:{TOPIC}:d")
        work.held = False
        assert jobs.wait(["r", "d"], 60)
        assert jobs.desk.get(f"text:{TOPIC}:r").status == "done"
    finally:
        jobs.runner.stop(1)


def _begun(jobs: Jobs, id: str) -> None:
    _until(lambda: jobs.desk.get(id).attempts > 0)


def _ended(jobs: Jobs, id: str) -> None:
    _until(lambda: jobs.desk.get(id).status != "queued")


def _until(come: Callable[[], bool]) -> None:
    for _ in range(3000):
        if come():
            return
        time.sleep(0.02)
    raise AssertionError("it has not come in a minute")


@pytest.mark.parametrize(
    "id", ["", "text:", "text:mood@1.0.0", "audio:", "learning:", "x:y", "text:mood@1.0.0:none"]
)
def test_what_was_never_asked_for_is_not_found(jobs: Jobs, id: str) -> None:
    for act in (jobs.desk.get, jobs.desk.retry, jobs.desk.cancel):
        with pytest.raises(NotFound):
            act(id)
