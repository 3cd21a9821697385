"""Trainings and certifications in the background: done once, one at a time, or failed with why."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from worker import alone, label, no_sound

from llmlabel.domain.document import Document
from llmlabel.domain.label import Label
from llmlabel.errors import Conflict, ModelUnreachable, NotFound, Unsupported
from llmlabel.jobs import Jobs, LearnJob, Patience
from llmlabel.jobs.learn import BEGAN
from llmlabel.store import Store

REF = "sentiment@1.0.0"
FAST = Patience(tries=2, first_wait=0.01, longest_wait=0.05, crashes=2)


class Work:
    """Learns at once, after raising the errors it was given; `held` while nobody lets it go."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, str]] = []
        self.errors: list[Exception] = []
        self.held = False
        self.together = self.most_together = 0

    async def __call__(self, id: str, guideline: str, argument: str) -> str:
        self.calls.append((id, guideline, argument))
        self.together += 1
        self.most_together = max(self.most_together, self.together)
        try:
            while self.held:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.02)
            if self.errors:
                raise self.errors.pop(0)
        finally:
            self.together -= 1
        return f"made-{id}"


async def labeling(documents: Sequence[Document], guideline: str) -> Sequence[Label]:
    return [label(document, guideline) for document in documents]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(f"sqlite:///{tmp_path / 's.db'}", recordings=tmp_path / "r")
    yield store
    store.close()


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def make(store: Store, work: Work) -> Callable[..., Jobs]:
    def make(**given: object) -> Jobs:
        return alone(
            store,
            labeling,
            no_sound,
            learn={"train": work, "certify": work},
            patience=FAST,
            runner={"upkeep_seconds": 0.1, **given},
        )

    return make


@pytest.fixture
def jobs(make: Callable[..., Jobs]) -> Iterator[Jobs]:
    jobs = make()
    jobs.runner.start()
    yield jobs
    jobs.runner.stop(1)


def settled(jobs: Jobs, id: str) -> LearnJob:
    end = time.monotonic() + 120
    while (job := jobs.learning.get(id)).status == "queued":
        assert time.monotonic() < end, f"{id} is still queued"
        time.sleep(0.02)
    return job


def test_a_job_is_done_and_names_what_it_made(jobs: Jobs, work: Work) -> None:
    asked = jobs.learning.submit("certify", REF, "a promise")
    assert (asked.what, asked.guideline, asked.status) == ("certify", REF, "queued")
    job = settled(jobs, asked.id)
    assert (job.status, job.result, job.failure) == ("done", f"made-{asked.id}", None)
    assert work.calls == [(asked.id, REF, "a promise")]


def test_trainings_and_certifications_wait_for_each_other(jobs: Jobs, work: Work) -> None:
    ids = [jobs.learning.submit(what, REF).id for what in ("train", "certify", "train", "certify")]
    assert {settled(jobs, id).status for id in ids} == {"done"}
    assert work.most_together == 1
    assert len(work.calls) == 4


def test_an_error_is_kept_as_the_reason(jobs: Jobs, work: Work) -> None:
    work.errors = [Conflict("It overlaps; train again.")]
    job = settled(jobs, jobs.learning.submit("certify", REF).id)
    assert job.status == "failed"
    assert job.failure is not None
    assert (job.failure.code, job.failure.detail) == ("conflict", "It overlaps; train again.")


def test_what_may_succeed_is_tried_again(jobs: Jobs, work: Work) -> None:
    work.errors = [ModelUnreachable("Not now.")]
    job = settled(jobs, jobs.learning.submit("train", REF).id)
    assert job.status == "done"
    assert len(work.calls) == 2


def test_the_same_id_is_the_same_job(jobs: Jobs, work: Work) -> None:
    first = jobs.learning.submit("train", REF, id="auto-1")
    settled(jobs, first.id)
    again = jobs.learning.submit("train", REF, id="auto-1")
    assert again.status == "done"
    assert len(work.calls) == 1
    with pytest.raises(Conflict, match="another job"):
        jobs.learning.submit("certify", REF, id="auto-1")


def test_what_is_not_known_is_refused(jobs: Jobs) -> None:
    with pytest.raises(Unsupported):
        jobs.learning.submit("dance", REF)
    with pytest.raises(NotFound):
        jobs.learning.get("j-none")


def test_a_job_cut_off_by_the_end_of_the_service_is_done_by_the_next(
    make: Callable[..., Jobs], work: Work
) -> None:
    work.held = True
    first = make()
    first.runner.start()
    id = first.learning.submit("train", REF).id
    while not work.calls:
        time.sleep(0.01)
    first.runner.stop(0.1)
    assert first.learning.get(id).status == "queued"
    for _ in range(FAST.crashes):  # so often in good order: no crash, nothing to give up for
        another = make()
        another.runner.start()
        while not work.together:
            time.sleep(0.01)
        another.runner.stop(0.1)
    work.held = False
    second = make()
    second.runner.start()
    try:
        assert settled(second, id).status == "done"
        assert len(work.calls) == 2 + FAST.crashes
    finally:
        second.runner.stop(1)


def test_a_job_that_always_ends_the_process_is_given_up(
    make: Callable[..., Jobs], store: Store, work: Work
) -> None:
    for _ in range(FAST.crashes):
        store.events.append(BEGAN, "j-deadly")
    jobs = make()
    jobs.runner.start()
    try:
        jobs.learning.submit("train", REF, id="j-deadly")
        job = settled(jobs, "j-deadly")
        assert job.failure is not None
        assert job.failure.code == "crashed"
        assert work.calls == []
    finally:
        jobs.runner.stop(1)


def test_upkeep_goes_on_whatever_it_raises(make: Callable[..., Jobs], work: Work) -> None:
    seen = threading.Semaphore(0)

    def upkeep() -> None:
        seen.release()
        raise RuntimeError("a bad day")

    jobs = make(upkeep=upkeep)
    jobs.runner.start()
    try:
        assert all(seen.acquire(timeout=120) for _ in range(3))
        assert settled(jobs, jobs.learning.submit("train", REF).id).status == "done"
    finally:
        jobs.runner.stop(1)
