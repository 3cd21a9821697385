from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from llmlabel.errors import (
    ModelBusy,
    ModelError,
    ModelRefused,
    ModelRejected,
    ModelTimeout,
    ModelUnauthorized,
    ModelUnreachable,
    ReplyTruncated,
    ReplyUnreadable,
)
from llmlabel.testing import FakeProvider, Fault

LABELS = ["positive", "negative", "neutral"]
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"entities": {"type": "array"}},
    "required": ["entities"],
    "additionalProperties": False,
}
KEY = "sk-very-secret-0123456789"

PASSING = [
    (Fault.busy(), ModelBusy),
    (Fault.server_error(500), ModelUnreachable),
    (Fault.server_error(503), ModelUnreachable),
    (Fault.closed(), ModelUnreachable),
    (Fault.closed_mid_body(), ModelUnreachable),
    (Fault.truncated_body(), ReplyUnreadable),
    (Fault.not_json(), ReplyUnreadable),
]
LASTING = [
    (Fault.rejected(), ModelRejected),
    (Fault.rejected("no such model", 404), ModelRejected),
    (Fault.rejected("cannot process", 422), ModelRejected),
    (Fault.too_long(), ModelRejected),
    (Fault.no_choices(), ReplyUnreadable),
    (Fault.refusal(), ModelRefused),
    (Fault.content_filter(), ModelRefused),
    (Fault.empty(), ReplyUnreadable),
]


def _id(value: Any) -> str:
    return f"{value.kind}-{value.status}" if isinstance(value, Fault) else value.__name__


@pytest.mark.parametrize(("fault", "error"), PASSING, ids=_id)
async def test_what_may_pass_is_tried_again(fault, error, remote, ask):
    with FakeProvider("positive").script(fault, fault) as provider:
        (result,) = await remote(provider).score([ask("good")], LABELS)
        assert not isinstance(result, Exception)
        assert len(provider.requests) == 3


@pytest.mark.parametrize(("fault", "error"), PASSING, ids=_id)
async def test_what_does_not_pass_is_named_after_the_last_attempt(fault, error, remote, ask):
    with FakeProvider("positive").fail(lambda _: fault) as provider:
        (result,) = await remote(provider).score([ask("good")], LABELS)
        assert type(result) is error
        assert len(provider.requests) == 3


@pytest.mark.parametrize(("fault", "error"), LASTING, ids=_id)
async def test_what_cannot_succeed_is_asked_once(fault, error, remote, ask):
    with FakeProvider("positive").fail(lambda _: fault) as provider:
        (result,) = await remote(provider).score([ask("good")], LABELS)
        assert type(result) is error
        assert len(provider.requests) == 1


@pytest.mark.parametrize("fault", [Fault.unauthorized(401), Fault.unauthorized(403)], ids=_id)
async def test_a_rejected_key_fails_the_batch_and_is_not_retried(fault, remote, ask):
    with FakeProvider("positive").fail(lambda _: fault) as provider:
        with pytest.raises(ModelUnauthorized, match="LLMLABEL_LLM_API_KEY"):
            await remote(provider).score([ask("good")], LABELS)
        assert len(provider.requests) == 1


async def test_an_account_without_credit_is_not_waited_for(remote, ask):
    fault = Fault.busy(code="insufficient_quota")
    with FakeProvider("positive").fail(lambda _: fault) as provider:
        with pytest.raises(ModelUnauthorized, match="no credit"):
            await remote(provider).score([ask("good")], LABELS)
        assert len(provider.requests) == 1


async def test_a_slow_answer_is_a_timeout(remote, ask):
    with FakeProvider("positive").fail(lambda _: Fault.slow(30)) as provider:
        model = remote(provider, timeout=0.3, attempts=1)
        (result,) = await model.score([ask("good")], LABELS)
        assert type(result) is ModelTimeout


async def test_nobody_listening_is_unreachable(remote, ask):
    provider = FakeProvider("positive").start()
    model = remote(provider, attempts=1)
    provider.stop()
    (result,) = await model.score([ask("good")], LABELS)
    assert type(result) is ModelUnreachable


async def test_one_failing_prompt_does_not_fail_the_others(remote, ask):
    def rule(request):
        return Fault.server_error() if request.text == "bad luck" else None

    with FakeProvider("positive").fail(rule) as provider:
        texts = ["one", "bad luck", "three"]
        results = await remote(provider).score([ask(text) for text in texts], LABELS)
        assert [isinstance(result, ModelUnreachable) for result in results] == [False, True, False]


async def test_retry_after_in_seconds_is_waited_for(remote, ask, time_):
    with FakeProvider("positive").script(Fault.busy(retry_after=17)) as provider:
        (result,) = await remote(provider).score([ask("good")], LABELS)
        assert not isinstance(result, Exception)
        assert time_.slept[0] >= 17


async def test_retry_after_as_a_date_is_waited_for(remote, ask, time_):
    when = format_datetime(datetime.now(UTC) + timedelta(seconds=25), usegmt=True)
    with FakeProvider("positive").script(Fault.busy(retry_after=when)) as provider:
        (result,) = await remote(provider, max_wait=60.0).score([ask("good")], LABELS)
        assert not isinstance(result, Exception)
        assert 5 < time_.slept[0] <= 60


async def test_a_retry_after_beyond_the_limit_gives_up_at_once(remote, ask, time_):
    with FakeProvider("positive").script(Fault.busy(retry_after=120)) as provider:
        (result,) = await remote(provider, max_wait=30.0).score([ask("good")], LABELS)
        assert isinstance(result, ModelBusy)
        assert result.retry_after == 120
        assert "120 s" in result.detail
        assert time_.slept == []
        assert len(provider.requests) == 1


@pytest.mark.parametrize(
    "fault",
    [Fault.unauthorized(), Fault.rejected("bad key {key}"), Fault.server_error(), Fault.closed()],
    ids=_id,
)
async def test_keys_are_in_no_error_and_no_log(fault, remote, ask, caplog, capsys):
    caplog.set_level(logging.DEBUG)
    with FakeProvider("positive").fail(lambda _: fault) as provider:
        try:
            (error,) = await remote(provider, attempts=1).score([ask("good")], LABELS)
        except ModelUnauthorized as exc:
            error = exc
        assert provider.requests[0].key == KEY
    assert isinstance(error, ModelError)
    assert error.__cause__ is None
    printed = capsys.readouterr()
    assert KEY not in str(error) + repr(error) + caplog.text + printed.out + printed.err
    assert printed.out == ""


async def test_json_that_is_cut_off_says_so(remote, ask):
    with FakeProvider('{"entities": ["a", "b"]}').script(Fault.cut_off()) as provider:
        (reply,) = await remote(provider).generate([ask("text")], SCHEMA, 50)
        assert reply.finish == "length"


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.broken_content(), ReplyUnreadable),
        (Fault.empty(), ReplyUnreadable),
        (Fault.refusal(), ModelRefused),
        (Fault.content_filter(), ModelRefused),
    ],
    ids=_id,
)
async def test_no_json_is_an_error_and_never_an_empty_answer(fault, error, remote, ask):
    with FakeProvider('{"entities": ["a", "b"]}').script(fault) as provider:
        (result,) = await remote(provider).generate([ask("text")], SCHEMA, 50)
        assert type(result) is error


async def test_a_label_that_is_cut_off_is_no_label(remote, ask):
    with FakeProvider("positive").script(Fault.cut_off()) as provider:
        (result,) = await remote(provider).score([ask("good")], LABELS)
        assert type(result) is ReplyTruncated
