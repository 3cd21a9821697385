"""Several workers and one provider: what one of them learns, all heed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import structlog

from llmlabel.errors import CircuitOpen, ModelBusy, ModelUnreachable, StoreUnavailable
from llmlabel.llm.limits import Limits
from llmlabel.llm.notes import ALONE_SECONDS, LocalNotes, Notes, SharedNotes
from llmlabel.llm.provider import FRESH_SECONDS, Provider, provider_of, standings
from llmlabel.llm.provider_state import Terms
from llmlabel.llm.remote import RemoteModel
from llmlabel.llm.retry import Retry
from llmlabel.testing import FakeProvider, Fault

LABELS = ["positive", "negative"]


class Worker:
    """A process with a model of its own; the clock is everybody's."""

    def __init__(self, url: str, notes: Notes, time_: Any, terms: Terms, **more: Any) -> None:
        self.provider = Provider("p", terms, notes, sleep=time_.sleep)
        self.model = RemoteModel(
            "hosted_vllm/any",
            api_key="none",
            api_base=url,
            timeout=20.0,
            limits=Limits(8, clock=time_.clock, sleep=time_.sleep),
            retry=Retry(more.pop("attempts", 1), more.pop("max_wait", 60.0), sleep=time_.sleep),
            provider=self.provider,
            **more,
        )


@pytest.fixture
def workers(time_: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Worker]]:
    # What a worker read of a provider counts as old at once: the clock here is not the real one.
    monkeypatch.setattr("llmlabel.llm.provider.FRESH_SECONDS", 0.0)
    assert FRESH_SECONDS < 1

    def make(provider: FakeProvider, terms: Terms, n: int = 2, **more: Any) -> list[Worker]:
        notes = LocalNotes(time_.clock)
        return [Worker(provider.url, notes, time_, terms, **more) for _ in range(n)]

    return make


async def test_a_provider_that_tells_one_worker_to_wait_is_waited_for_by_all(
    workers, time_, ask
) -> None:
    with FakeProvider("positive").script(Fault.busy(20)) as fake:
        first, second = workers(fake, Terms())
        (busy,) = await first.model.score([ask("one")], LABELS)
        assert isinstance(busy, ModelBusy)
        began = time_.now
        (done,) = await second.model.score([ask("two")], LABELS)
        assert not isinstance(done, Exception)
        assert time_.now - began == pytest.approx(20)


async def test_nobody_asks_a_provider_that_wants_more_time_than_may_be_waited(workers, ask) -> None:
    with FakeProvider("positive").script(Fault.busy(300)) as fake:
        first, second = workers(fake, Terms())
        await first.model.score([ask("one")], LABELS)
        (refused,) = await second.model.score([ask("two")], LABELS)
        assert isinstance(refused, ModelBusy)
        assert "LLMLABEL_LLM_MAX_WAIT_SECONDS" in refused.detail
        assert len(fake.requests) == 1


async def test_the_limit_per_minute_is_one_for_all_workers(workers, time_, ask) -> None:
    with FakeProvider("positive") as fake:
        both = workers(fake, Terms(requests_per_minute=3))
        began = time_.now
        for n in range(6):
            (done,) = await both[n % 2].model.score([ask(f"{n}")], LABELS)
            assert not isinstance(done, Exception)
        assert 60 <= time_.now - began < 120


async def test_after_failures_of_all_workers_the_provider_is_left_alone(
    workers, time_, ask
) -> None:
    with FakeProvider("positive").fail(lambda _: Fault.server_error()) as fake:
        first, second = workers(fake, Terms(failures=4), max_wait=5.0)
        for worker in (first, second, first, second):
            (failed,) = await worker.model.score([ask("x")], LABELS)
            assert type(failed) is ModelUnreachable
        (left_alone,) = await first.model.score([ask("x")], LABELS)
        assert isinstance(left_alone, CircuitOpen)
        assert len(fake.requests) == 4
        fake.fail(lambda _: None)
        time_.now += 30
        (done,) = await second.model.score([ask("x")], LABELS)
        assert not isinstance(done, Exception)
        (done,) = await first.model.score([ask("x")], LABELS)
        assert not isinstance(done, Exception)


async def test_a_provider_that_is_left_alone_is_waited_for(workers, time_, ask) -> None:
    with FakeProvider("positive").script(*[Fault.server_error()] * 2) as fake:
        first, second = workers(fake, Terms(failures=2), max_wait=60.0)
        for worker in (first, second):
            await worker.model.score([ask("x")], LABELS)
        (done,) = await first.model.score([ask("x")], LABELS)
        assert not isinstance(done, Exception)
        assert sum(time_.slept) == pytest.approx(30)


async def test_who_has_another_model_to_ask_does_not_wait(workers, time_, ask) -> None:
    with FakeProvider("positive").script(*[Fault.server_error()] * 2) as fake:
        first, second = workers(fake, Terms(failures=2), patient=False)
        for worker in (first, second):
            await worker.model.score([ask("x")], LABELS)
        (refused,) = await first.model.score([ask("x")], LABELS)
        assert isinstance(refused, CircuitOpen)
        assert time_.slept == []


async def test_a_refusal_shows_that_a_provider_is_there(workers, ask) -> None:
    faults = [Fault.server_error(), Fault.rejected(), Fault.server_error(), Fault.busy()]
    with FakeProvider("positive").script(*faults) as fake:
        first, second = workers(fake, Terms(failures=2))
        for worker in (first, second, first, second):
            await worker.model.score([ask("x")], LABELS)
        (done,) = await first.model.score([ask("x")], LABELS)
        assert not isinstance(done, Exception)


async def test_how_a_provider_does_can_be_read(workers, time_, ask) -> None:
    terms = Terms(failures=1)
    with FakeProvider("positive").fail(lambda _: Fault.server_error()) as fake:
        notes = LocalNotes(time_.clock)
        worker = Worker(fake.url, notes, time_, terms, max_wait=0.0)
        assert standings(notes, terms) == []
        await worker.model.score([ask("x")], LABELS)
        (open_,) = standings(notes, terms)
        assert (open_.provider, open_.circuit, open_.wait_seconds) == ("p", "open", 30.0)
        time_.now += 31
        assert standings(notes, terms)[0].circuit == "half_open"
        time_.now += 2 * 24 * 3600
        assert standings(notes, terms) == []


async def test_a_call_that_was_broken_off_says_nothing_of_the_provider(workers, time_, ask) -> None:
    terms = Terms(failures=2)
    with FakeProvider("positive").script(*[Fault.server_error()] * 2) as fake:
        notes = LocalNotes(time_.clock)
        first, second = (Worker(fake.url, notes, time_, terms, max_wait=0.0) for _ in range(2))
        for worker in (first, second):
            await worker.model.score([ask("x")], LABELS)
        time_.now += 31
        fake.script(Fault.slow(20.0))
        probe = asyncio.ensure_future(first.model.score([ask("slow")], LABELS))
        while len(fake.requests) < 3:  # noqa: ASYNC110 - the provider is of another thread
            await asyncio.sleep(0.01)
        (refused,) = await second.model.score([ask("x")], LABELS)
        assert isinstance(refused, CircuitOpen)
        probe.cancel()
        await asyncio.gather(probe, return_exceptions=True)
        assert standings(notes, terms)[0].circuit == "half_open"
        (done,) = await second.model.score([ask("x")], LABELS)  # its turn to try, at once
        assert not isinstance(done, Exception)


async def test_nonsense_of_a_provider_keeps_nobody_away_for_years(workers, time_, ask) -> None:
    with FakeProvider("positive").script(Fault.busy(1_764_000_000)) as fake:
        first, second = workers(fake, Terms())
        await first.model.score([ask("one")], LABELS)
        time_.now += 3601
        (done,) = await second.model.score([ask("two")], LABELS)
        assert not isinstance(done, Exception)


async def test_without_the_database_each_process_goes_on_by_itself_and_says_so() -> None:
    now = [0.0]
    there = LocalNotes()

    class Broken(LocalNotes):
        broken = True

        def change(self, name: str, change: Any) -> Any:
            if self.broken:
                raise StoreUnavailable("The database cannot be used now.")
            return there.change(name, change)

    shared = Broken()
    notes = SharedNotes(lambda: shared, clock=lambda: now[0])
    with structlog.testing.capture_logs() as logs:
        notes.change("a", lambda note, _: ("alone", note))
        notes.change("a", lambda note, _: (None, note))
        assert [log["log_level"] for log in logs] == ["warning"]
        assert "this process alone" in logs[0]["event"]
        shared.broken = False
        now[0] += ALONE_SECONDS + 1
        assert notes.change("a", lambda note, _: ("shared", note)) is None
        assert logs[-1]["event"] == "the limits of providers are shared again"
    assert there.change("a", lambda note, _: (None, note)) == "shared"


def test_models_of_one_server_share_a_provider() -> None:
    assert provider_of("openai/gpt-4o") == provider_of("openai/gpt-4o-mini") == "openai"
    assert provider_of("hosted_vllm/a", "http://one:8000/v1") == "hosted_vllm@one:8000"
    assert provider_of("hosted_vllm/a", "http://two:8000/v1") == "hosted_vllm@two:8000"
