"""Vendor errors become ours here and nowhere else."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from llmlabel.errors import (
    ModelBusy,
    ModelError,
    ModelRefused,
    ModelRejected,
    ModelTimeout,
    ModelUnauthorized,
    ModelUnreachable,
    ReplyUnreadable,
)

ERRORS: Mapping[str, type[ModelError]] = {
    # litellm.exceptions
    "AuthenticationError": ModelUnauthorized,
    "PermissionDeniedError": ModelUnauthorized,
    "PaymentRequiredError": ModelUnauthorized,
    "RateLimitError": ModelBusy,
    "Timeout": ModelTimeout,
    "APIConnectionError": ModelUnreachable,
    "APIError": ModelUnreachable,
    "BadGatewayError": ModelUnreachable,
    "InternalServerError": ModelUnreachable,
    "MidStreamFallbackError": ModelUnreachable,
    "MockException": ModelUnreachable,
    "ServiceUnavailableError": ModelUnreachable,
    "OpenAIError": ModelUnreachable,
    "APIResponseValidationError": ReplyUnreadable,
    "JSONSchemaValidationError": ReplyUnreadable,
    "ContentPolicyViolationError": ModelRefused,
    "BlockedPiiEntityError": ModelRefused,
    "GuardrailRaisedException": ModelRefused,
    "ModifyResponseException": ModelRefused,
    "SensitiveDataRouteException": ModelRefused,
    "BadRequestError": ModelRejected,
    "BudgetExceededError": ModelRejected,
    "ContextWindowExceededError": ModelRejected,
    "ImageFetchError": ModelRejected,
    "InvalidRequestError": ModelRejected,
    "LiteLLMUnknownProvider": ModelRejected,
    "ModelNotMappedError": ModelRejected,
    "NotFoundError": ModelRejected,
    "RejectedRequestError": ModelRejected,
    "UnprocessableEntityError": ModelRejected,
    "UnsupportedParamsError": ModelRejected,
    "VectorStoreSearchError": ModelRejected,
    # openai and httpx, where litellm lets them through
    "APITimeoutError": ModelTimeout,
    "TimeoutException": ModelTimeout,
    "TransportError": ModelUnreachable,
    "TimeoutError": ModelTimeout,
    "JSONDecodeError": ReplyUnreadable,
    "UnicodeDecodeError": ReplyUnreadable,
    # aiohttp, and llm.direct above it
    "ServerTimeoutError": ModelTimeout,
    "ClientError": ModelUnreachable,
    "NoConnections": ModelUnreachable,
    "RefusedByPolicy": ModelRefused,
}
"""Our error for each vendor class; a class that is missing takes its nearest ancestor's."""

_SECRETS = re.compile(
    r"(?i)(bearer\s+)[^\s\"',]+"
    r"|\b(?:(?:sk|pk|rk|gsk|xai|hf|key)[-_]|AIza)[A-Za-z0-9_\-*]{8,}"
    r"|((?:api[-_ ]?key|authorization|token)[\"']?\s*[:=]\s*[\"']?(?:bearer\s+|basic\s+)?)"
    r"[^\s\"',]+"
)
_LONGEST = 400
_DAY = 86_400.0
_NEVER_REACHED = {
    *("ConnectError", "ConnectTimeout", "PoolTimeout"),
    *("ClientConnectorError", "ConnectionTimeoutError", "InvalidURL", "NoConnections"),
}


def translate(exc: BaseException, *, model: str, secret: str | None = None) -> ModelError:
    """The error of ours that says what a vendor's exception means.

    The message is free of keys: the caller's own key and whatever looks like one is cut out.
    Raise it `from None`: the vendor's exception may hold the request with its key.

    Args:
        exc: What the vendor's library raised.
        model: The model's name, for the message.
        secret: The key in use, so that it can be cut out of the message.
    """
    kind = _kind_of(exc)
    said = redact(_words_of(exc), secret)
    unpaid = _is_unpaid(exc)
    if unpaid or kind is ModelUnauthorized:
        return ModelUnauthorized(_unauthorized(model, unpaid=unpaid))
    wait = retry_after(_headers_of(exc))
    if kind is ModelBusy or (kind is ModelUnreachable and wait is not None):
        asks = f"asks to wait {wait:g} s" if wait is not None else "asks to wait"
        return ModelBusy(f"{model} {asks}: {said}", retry_after=wait)
    remedy = {
        ModelUnreachable: "could not be reached or failed; check LLMLABEL_LLM_API_BASE",
        ModelTimeout: "did not answer in time; LLMLABEL_LLM_TIMEOUT_SECONDS sets the limit",
        ModelRejected: "rejected the request",
        ModelRefused: "declined to answer",
        ReplyUnreadable: "sent a body that cannot be read",
    }.get(kind, "failed in an unforeseen way")
    return kind(f"{model} {remedy}: {said}")


def may_be_billed(exc: BaseException) -> bool:
    """Whether a provider may have done the work of a call that failed, and charge for it.

    Not where it answered with an error, nor where it was never reached.
    """
    names = {cls.__name__ for cause in _causes(exc) for cls in type(cause).__mro__}
    if names & _NEVER_REACHED:
        return False
    kind = _kind_of(exc)
    if kind is ModelUnreachable:
        return bool(names & {"APIConnectionError", "TransportError", "ClientError"})
    return kind in (ModelTimeout, ReplyUnreadable, ModelError)


def redact(text: str, secret: str | None = None) -> str:
    """The text on one line, shortened, without the key in use or anything that looks like one."""
    if secret:
        text = text.replace(secret, "[key]")
    text = _SECRETS.sub(lambda m: f"{m.group(1) or m.group(2) or ''}[key]", text)
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Seconds to wait by the `Retry-After` header: a number, or an HTTP date.

    At most a day: what asks for more is a mistake, such as a date in seconds.

    Source: RFC 9110, 10.2.3. `retry-after-ms`, which some providers add, is more exact and wins.
    """
    wait = _asked(headers, now)
    return None if wait is None or math.isnan(wait) else min(max(0.0, wait), _DAY)


def _asked(headers: Mapping[str, str], now: datetime | None) -> float | None:
    lower = {name.lower(): value for name, value in headers.items()}
    try:
        if "retry-after-ms" in lower:
            return float(lower["retry-after-ms"]) / 1000
        value = lower.get("retry-after", "").strip()
        if not value:
            return None
        if re.fullmatch(r"\d+(\.\d+)?", value):
            return float(value)
        when = parsedate_to_datetime(value)
    except ValueError:
        return None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return (when - (now or datetime.now(UTC))).total_seconds()


def _kind_of(exc: BaseException) -> type[ModelError]:
    status = getattr(exc, "status_code", None)
    for cls in type(exc).__mro__:
        kind = ERRORS.get(cls.__name__)
        if kind is None:
            continue
        if kind is ModelUnreachable and _is_unreadable_body(exc):
            return ReplyUnreadable
        generic = cls.__name__ in {"APIError", "APIConnectionError", "OpenAIError"}
        return _by_status(status) or kind if generic else kind
    return _by_status(status) or ModelError


def _by_status(status: object) -> type[ModelError] | None:
    if not isinstance(status, int):
        return None
    exact: dict[int, type[ModelError]] = {
        401: ModelUnauthorized,
        402: ModelUnauthorized,
        403: ModelUnauthorized,
        408: ModelTimeout,
        429: ModelBusy,
    }
    if status in exact:
        return exact[status]
    if status >= 500:
        return ModelUnreachable
    return ModelRejected if 400 <= status < 500 else None


def _is_unreadable_body(exc: BaseException) -> bool:
    """Whether a 2xx answer was no JSON: litellm wraps that as a connection or server error."""
    words = str(exc)
    marks = ("JSONDecodeError", "Expecting value", "Unterminated string", "Invalid JSON")
    if any(mark in words for mark in marks):
        return True
    return any(type(cause).__name__ == "JSONDecodeError" for cause in _causes(exc))


def _causes(exc: BaseException) -> list[BaseException]:
    chain: list[BaseException] = []
    step: BaseException | None = exc
    while step is not None and step not in chain:
        chain.append(step)
        step = step.__cause__ or step.__context__
    return chain


def _words_of(exc: BaseException) -> str:
    words = str(getattr(exc, "message", "") or exc) or type(exc).__name__
    words = re.sub(r"^(?:litellm\.)?(?:\w+:\s*(?:litellm\.)?)+(?=\S)", "", words) or words
    before, brace, body = words.partition('{"error"')
    try:
        message = json.loads(brace + body)["error"]["message"] if brace else None
    except (ValueError, KeyError, TypeError):
        message = None
    return f"{before}{message}" if message else words


def _is_unpaid(exc: BaseException) -> bool:
    """Whether the account has no credit: 402, or the 429 that waiting does not mend."""
    response: Any = getattr(exc, "response", None)
    if 402 in {getattr(exc, "status_code", None), getattr(response, "status_code", None)}:
        return True
    try:
        body = f"{exc} {getattr(exc, 'body', '')} {getattr(response, 'text', '')}"
    except Exception:  # a response whose body was never read
        body = str(exc)
    return "insufficient_quota" in body


def _headers_of(exc: BaseException) -> dict[str, str]:
    found: dict[str, str] = {}
    response: Any = getattr(exc, "response", None)
    for headers in (
        getattr(response, "headers", None),
        getattr(exc, "headers", None),
        getattr(exc, "litellm_response_headers", None),
    ):
        if headers:
            found.update({str(name): str(value) for name, value in dict(headers).items()})
    return found


def _unauthorized(model: str, *, unpaid: bool) -> str:
    if unpaid:
        return f"The account behind the key for {model} has no credit left; top it up."
    return (
        f"The provider of {model} does not accept the key; set LLMLABEL_LLM_API_KEY or the "
        "provider's own variable (OPENAI_API_KEY, …)."
    )
