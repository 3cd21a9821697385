from __future__ import annotations

from datetime import UTC, datetime

import httpx
import openai
import pytest

from llmlabel.errors import ModelBusy, ModelError, ModelRejected, ModelUnreachable
from llmlabel.llm.mapping import ERRORS, redact, retry_after, translate
from llmlabel.llm.retry import Retry
from llmlabel.llm.vendor import litellm

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


def _vendor_classes() -> set[type[BaseException]]:
    exceptions = litellm().exceptions
    found = {
        value
        for value in vars(exceptions).values()
        if isinstance(value, type) and issubclass(value, BaseException)
    }
    return {cls for cls in found if cls.__module__.startswith("litellm")}


def test_every_exception_of_the_vendor_is_mapped():
    classes = _vendor_classes() | set(litellm().LITELLM_EXCEPTION_TYPES)
    assert len(classes) > 20
    assert sorted(cls.__name__ for cls in classes if cls.__name__ not in ERRORS) == []


def test_every_mapping_gives_an_error_of_ours():
    for name, kind in ERRORS.items():
        vendor = type(name, (Exception,), {})
        error = translate(vendor("what happened"), model="m")
        assert isinstance(error, kind)
        assert "what happened" in error.detail or kind.__name__ == "ModelUnauthorized"


def test_an_error_that_nobody_foresaw_is_still_ours():
    assert type(translate(KeyError("x"), model="m")) is ModelError


@pytest.mark.parametrize(("status", "kind"), [(429, ModelBusy), (500, ModelUnreachable)])
def test_a_bare_status_error_goes_by_its_status(status, kind):
    response = httpx.Response(status, request=httpx.Request("POST", "http://127.0.0.1/"))
    error = translate(openai.APIStatusError("no", response=response, body=None), model="m")
    assert type(error) is kind


def test_an_overloaded_server_that_says_when_is_busy():
    headers = {"Retry-After": "3"}
    request = httpx.Request("POST", "http://127.0.0.1/")
    response = httpx.Response(503, headers=headers, request=request)
    error = translate(openai.InternalServerError("no", response=response, body=None), model="m")
    assert isinstance(error, ModelBusy)
    assert error.retry_after == 3


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"Retry-After": "Sun, 01 Mar 2026 12:01:30 GMT"}, 90.0),
        ({"Retry-After": "Sun, 01 Mar 2026 11:00:00 GMT"}, 0.0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "1764000000"}, 86_400.0),
        ({"Retry-After": "9" * 400}, 86_400.0),
        ({"retry-after-ms": "inf"}, 86_400.0),
        ({"retry-after-ms": "nan"}, None),
        ({"retry-after-ms": "-5"}, 0.0),
        ({}, None),
    ],
)
def test_retry_after_is_read_in_all_its_forms(headers, seconds):
    assert retry_after(headers, NOW) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "key abcdef-plain was wrong",
        "Incorrect API key provided: sk-proj-abcDEF1234567",
        "Authorization: Bearer abcdef.ghijkl",
        '{"api_key": "0123456789abcdef"}',
    ],
)
def test_what_looks_like_a_key_is_cut_out(text):
    clean = redact(text, "abcdef-plain")
    assert "[key]" in clean
    for secret in ("abcdef-plain", "sk-proj-abcDEF1234567", "abcdef.ghijkl", "0123456789abcdef"):
        assert secret not in clean


async def test_waits_grow_but_stay_within_the_limit():
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async def fails() -> None:
        raise ModelUnreachable("down")

    with pytest.raises(ModelUnreachable):
        await Retry(10, 4.0, sleep=sleep).call(fails)
    assert len(slept) == 9
    assert all(0 <= wait <= min(4.0, 0.5 * 2**n) for n, wait in enumerate(slept))


async def test_a_rejected_request_is_not_repeated():
    calls = []

    async def fails() -> None:
        calls.append(1)
        raise ModelRejected("no")

    with pytest.raises(ModelRejected):
        await Retry(5).call(fails)
    assert calls == [1]


def test_plain_words_are_left_as_they_are():
    assert redact("skateboarding keyboards") == "skateboarding keyboards"
