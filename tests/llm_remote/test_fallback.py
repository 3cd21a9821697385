"""Models that stand in for one that cannot be reached."""

from __future__ import annotations

from typing import Any

from llmlabel.errors import ModelRefused, ModelUnreachable
from llmlabel.llm.fallback import FallbackModel
from llmlabel.llm.remote import RemoteModel
from llmlabel.testing import FakeProvider, Fault

LABELS = ["positive", "negative"]
SCHEMA: dict[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}


def _model(name: str, provider: FakeProvider) -> RemoteModel:
    return RemoteModel(
        f"hosted_vllm/{name}", api_key="none", api_base=provider.url, attempts=1, timeout=20.0
    )


async def test_only_what_the_first_could_not_answer_is_asked_of_the_next(ask) -> None:
    down = Fault.server_error()
    with (
        FakeProvider("positive").fail(lambda r: down if "odd" in r.text else None) as one,
        FakeProvider(lambda r: "{}" if r.schema else "negative") as two,
    ):
        both = FallbackModel([_model("one", one), _model("two", two)])
        first, second = await both.score([ask("even"), ask("odd")], LABELS)
        assert not isinstance(first, Exception)
        assert not isinstance(second, Exception)
        assert first.usage.answered_by is None
        assert first.probabilities[0] > 0.9
        assert second.usage.answered_by == "hosted_vllm/two"
        assert second.probabilities[1] > 0.9
        assert [request.text for request in two.requests] == ["odd"]
        written = await both.generate([ask("odd")], SCHEMA, 20)
        assert written[0].usage.answered_by == "hosted_vllm/two"


async def test_models_are_asked_in_their_order(ask) -> None:
    with (
        FakeProvider("positive").fail(lambda _: Fault.server_error()) as one,
        FakeProvider("positive").fail(lambda _: Fault.busy()) as two,
        FakeProvider("positive") as three,
    ):
        models = [_model("one", one), _model("two", two), _model("three", three)]
        (done,) = await FallbackModel(models).score([ask("x")], LABELS)
        assert done.usage.answered_by == "hosted_vllm/three"
        assert len(one.requests) == len(two.requests) == 1


async def test_what_a_model_refuses_is_asked_of_no_other(ask) -> None:
    with (
        FakeProvider("positive").fail(lambda _: Fault.refusal()) as one,
        FakeProvider("positive") as two,
    ):
        (refused,) = await FallbackModel([_model("one", one), _model("two", two)]).score(
            [ask("x")], LABELS
        )
        assert isinstance(refused, ModelRefused)
        assert not two.requests


async def test_a_rejected_key_of_a_stand_in_costs_no_answer_of_the_first(ask) -> None:
    down = Fault.server_error()
    with (
        FakeProvider("positive").fail(lambda r: down if "odd" in r.text else None) as one,
        FakeProvider("positive").fail(lambda _: Fault.unauthorized()) as two,
    ):
        both = FallbackModel([_model("one", one), _model("two", two)])
        first, second = await both.score([ask("even"), ask("odd")], LABELS)
        assert not isinstance(first, Exception)
        assert isinstance(second, ModelUnreachable)


async def test_where_all_fail_the_reason_of_the_first_is_told(ask) -> None:
    with (
        FakeProvider("positive").fail(lambda _: Fault.server_error()) as one,
        FakeProvider("positive").fail(lambda _: Fault.rejected("no such model", 404)) as two,
    ):
        (failed,) = await FallbackModel([_model("one", one), _model("two", two)]).score(
            [ask("x")], LABELS
        )
        assert isinstance(failed, ModelUnreachable)
        assert "hosted_vllm/one" in failed.detail
