"""A budget stops before it is passed, whatever calls do."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from llmlabel.errors import (
    BudgetExhausted,
    InvalidSetting,
    PriceUnknown,
    StoreUnavailable,
)
from llmlabel.llm.budget import EVERYTHING, Budget
from llmlabel.llm.prices import NANO, Price, listed_price, nano, parse_prices, worst_tokens
from llmlabel.llm.remote import RemoteModel
from llmlabel.store import Store
from llmlabel.testing import FakeProvider, Fault

LABELS = ["positive", "negative"]
PRICE = Price(1e-6, 4e-6)


@pytest.fixture
def ledger(tmp_path: Path):
    store = Store.open(f"sqlite:///{tmp_path / 'store.db'}", recordings=tmp_path)
    yield store.spending
    store.close()


def _model(provider: FakeProvider, budget: Budget, **more: Any) -> RemoteModel:
    given: dict[str, Any] = {"attempts": 1, "timeout": 20.0, "price": PRICE, **more}
    return RemoteModel(
        "hosted_vllm/any", api_key="none", api_base=provider.url, budget=budget, **given
    )


def _billed(provider: FakeProvider, model: RemoteModel, results: Any) -> int:
    return sum(nano(r.usage.cost_usd) for r in results if not isinstance(r, Exception))


async def test_many_calls_at_once_do_not_pass_a_budget_and_say_why_they_stop(ledger, ask) -> None:
    ceiling = nano(0.002)
    budget = Budget(lambda: ledger, {"total": ceiling})
    with FakeProvider("positive", think_seconds=0.01) as fake:
        models = [_model(fake, budget) for _ in range(3)]
        asked = [model.score([ask(f"{i}")] * 8, LABELS) for i, model in enumerate(models)]
        results = [each for some in await asyncio.gather(*asked) for each in some]
        stopped = [each for each in results if isinstance(each, BudgetExhausted)]
        spent = ledger.spent(EVERYTHING)["total"]
        assert stopped
        assert "LLMLABEL_BUDGET_USD" in stopped[0].detail
        assert len(fake.requests) == len(results) - len(stopped) > 0
        assert spent == _billed(fake, models[0], results) <= ceiling


async def test_after_a_call_only_what_it_really_cost_stays_counted(ledger, ask) -> None:
    with FakeProvider("positive") as fake:
        model = _model(fake, Budget(lambda: ledger, {"day": NANO}))
        (done,) = await model.score([ask("good")], LABELS)
    assert not isinstance(done, Exception)
    cost = PRICE.cost(done.usage.prompt_tokens, done.usage.completion_tokens)
    assert done.usage.cost_usd == pytest.approx(cost)
    assert ledger.spent(EVERYTHING) == dict.fromkeys(("total", "month", "day"), nano(cost))


@pytest.mark.parametrize(
    "fault", [Fault.server_error(), Fault.busy(), Fault.rejected(), Fault.unauthorized()], ids=str
)
async def test_a_call_that_was_turned_away_costs_nothing(fault, ledger, ask) -> None:
    with FakeProvider("positive").fail(lambda _: fault) as fake:
        model = _model(fake, Budget(lambda: ledger, {"total": NANO}))
        await asyncio.gather(model.score([ask("good")], LABELS), return_exceptions=True)
    assert ledger.spent(EVERYTHING)["total"] == 0


async def test_a_provider_that_is_not_there_costs_nothing(ledger, ask) -> None:
    with FakeProvider("positive") as fake:
        model = _model(fake, Budget(lambda: ledger, {"total": NANO}))
    (failed,) = await _model_at(model, ask)
    assert isinstance(failed, Exception)
    assert ledger.spent(EVERYTHING)["total"] == 0


async def _model_at(model: RemoteModel, ask: Any) -> Any:
    return await model.score([ask("good")], LABELS)


@pytest.mark.parametrize(
    "fault",
    [Fault.closed(), Fault.closed_mid_body(), Fault.not_json(), Fault.slow(5.0)],
    ids=lambda fault: fault.kind,
)
async def test_a_call_that_may_have_been_billed_stays_counted(fault, ledger, ask) -> None:
    with FakeProvider("positive").fail(lambda _: fault) as fake:
        model = _model(fake, Budget(lambda: ledger, {"total": NANO}), timeout=0.5)
        (failed,) = await model.score([ask("good")], LABELS)
    assert isinstance(failed, Exception)
    assert ledger.spent(EVERYTHING)["total"] > 0


@pytest.mark.parametrize("blocked", ["reserve", "settle"])
async def test_money_of_a_call_that_is_cancelled_is_not_lost(blocked, ledger, ask) -> None:
    entered, go_on = threading.Event(), threading.Event()

    class Slow:
        def __getattr__(self, name: str) -> Any:
            def act(*given: Any) -> Any:
                if name == blocked:
                    entered.set()
                    go_on.wait(20)
                return getattr(ledger, name)(*given)

            return act

    with FakeProvider("positive") as fake:
        whole = Budget(Slow, {"total": NANO})
        inner = Budget(Slow, {"total": NANO}, "inner", above=whole)
        call = asyncio.ensure_future(_model(fake, inner).score([ask("good")], LABELS))
        await asyncio.to_thread(entered.wait, 20)
        call.cancel()
        await asyncio.sleep(0)
        call.cancel()
        go_on.set()
        await asyncio.wait([call])
        asked = len(fake.requests)
    cost = ledger.spent("inner")["total"]
    assert call.cancelled()
    assert (asked, cost > 0) == ((0, False) if blocked == "reserve" else (1, True))
    assert ledger.spent(EVERYTHING)["total"] == cost < nano(PRICE.cost(20, 30))


async def test_under_a_budget_a_model_without_a_price_is_not_asked(ledger, ask) -> None:
    with FakeProvider("positive") as fake:
        model = _model(fake, Budget(lambda: ledger, {"total": NANO}), price=None)
        (refused,) = await model.score([ask("good")], LABELS)
        assert isinstance(refused, PriceUnknown)
        assert "LLMLABEL_LLM_PRICES" in refused.detail
        assert not fake.requests


async def test_without_a_budget_spending_is_counted_only(ledger, ask) -> None:
    with FakeProvider("positive") as fake:
        (done,) = await _model(fake, Budget(lambda: ledger)).score([ask("good")], LABELS)
        assert ledger.spent(EVERYTHING)["total"] == nano(done.usage.cost_usd) > 0
        (unpriced,) = await _model(fake, Budget(lambda: None), price=None).score(
            [ask("good")], LABELS
        )
        assert unpriced.usage.cost_usd is None


async def test_a_budget_nobody_can_read_lets_no_call_pass(ask) -> None:
    class Lost:
        def reserve(self, *_: Any) -> Any:
            raise StoreUnavailable("The database cannot be used now.")

        settle = reserve

    with FakeProvider("positive") as fake:
        model = _model(fake, Budget(Lost, {"total": NANO}))
        with pytest.raises(StoreUnavailable):
            await model.score([ask("good")], LABELS)
        assert not fake.requests


async def test_a_free_model_is_asked_under_a_budget_of_nothing(ledger, ask) -> None:
    with FakeProvider("positive") as fake:
        model = _model(fake, Budget(lambda: ledger, {"total": 0}), price=Price(0, 0))
        (done,) = await model.score([ask("good")], LABELS)
        assert not isinstance(done, Exception)


def test_a_prompt_never_has_more_tokens_than_are_set_aside_for_it() -> None:
    import tiktoken

    texts = ["plain words", "größer und länger", "数えられない言葉", "🙂🙃" * 20, "a" * 500, ""]
    encoding = _encoding(tiktoken)
    for text in texts:
        said = [{"role": "user", "content": text}]
        assert worst_tokens(said, {}) >= len(encoding.encode(text)) + 16


def _encoding(tiktoken: Any) -> Any:
    # Bytes alone: no vocabulary makes more tokens of a text than this one.
    ranks = {bytes([n]): n for n in range(256)}
    return tiktoken.Encoding("bytes", pat_str=r"[\s\S]", mergeable_ranks=ranks, special_tokens={})


def test_prices_are_read_from_a_setting() -> None:
    prices = parse_prices("hosted_vllm/my-model=0.10:0.40, openai/x=1:2")
    assert prices["hosted_vllm/my-model"].cost(1e6, 1e6) == pytest.approx(0.5)
    assert set(prices) == {"hosted_vllm/my-model", "openai/x"}
    with pytest.raises(InvalidSetting, match="LLMLABEL_LLM_PRICES"):
        parse_prices("gpt=cheap")


def test_the_highest_of_the_listed_prices_is_set_aside() -> None:
    known = listed_price("openai/gpt-4o-mini")
    assert known is not None
    assert known.prompt > 0 < known.completion
    assert listed_price("hosted_vllm/nobody-sells-this") is None


def test_amounts_are_rounded_up() -> None:
    assert nano(1e-10) == 1
    assert nano(0.1 + 0.2) == 300_000_000
