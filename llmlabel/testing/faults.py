"""The ways in which a fake provider can misbehave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FaultKind = Literal[
    "status",
    "slow",
    "close",
    "close_mid_body",
    "truncated_body",
    "not_json",
    "no_choices",
    "refusal",
    "content_filter",
    "length",
    "empty",
    "broken_content",
]


@dataclass(frozen=True)
class Fault:
    """One way in which the fake provider fails one request; made by the class methods below."""

    kind: FaultKind
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    message: str = ""
    code: str | None = None
    seconds: float = 0.0

    @classmethod
    def busy(cls, retry_after: float | str | None = None, code: str | None = None) -> Fault:
        """429; `retry_after` is in seconds, or an HTTP date."""
        headers = (("Retry-After", str(retry_after)),) if retry_after is not None else ()
        return cls("status", 429, headers, "Rate limit reached", code)

    @classmethod
    def server_error(cls, status: int = 500) -> Fault:
        """A 5xx answer."""
        return cls("status", status, (), "The server had an error")

    @classmethod
    def unauthorized(cls, status: int = 401) -> Fault:
        """401 or 403; its message repeats the key, as some providers' do."""
        return cls("status", status, (), "Incorrect API key provided: {key}", "invalid_api_key")

    @classmethod
    def rejected(cls, message: str = "Invalid request", status: int = 400) -> Fault:
        """A 4xx answer with that message."""
        return cls("status", status, (), message, "invalid_request_error")

    @classmethod
    def too_long(cls) -> Fault:
        """400: the prompt is longer than the context."""
        words = "This model's maximum context length is 128 tokens; your messages have 300 tokens."
        return cls("status", 400, (), words, "context_length_exceeded")

    @classmethod
    def slow(cls, seconds: float) -> Fault:
        """The right answer, after so many seconds."""
        return cls("slow", seconds=seconds)

    @classmethod
    def closed(cls) -> Fault:
        """The connection is closed without an answer."""
        return cls("close")

    @classmethod
    def closed_mid_body(cls) -> Fault:
        """The connection is closed when half of the announced body was sent."""
        return cls("close_mid_body")

    @classmethod
    def truncated_body(cls) -> Fault:
        """A whole HTTP answer whose body is the first half of the JSON."""
        return cls("truncated_body")

    @classmethod
    def not_json(cls) -> Fault:
        """A page of HTML in place of JSON."""
        return cls("not_json")

    @classmethod
    def no_choices(cls) -> Fault:
        """A JSON body with an empty list of choices."""
        return cls("no_choices")

    @classmethod
    def refusal(cls) -> Fault:
        """The model declines, in the field made for it."""
        return cls("refusal", message="I can't help with that.")

    @classmethod
    def content_filter(cls) -> Fault:
        """A filter stops the answer."""
        return cls("content_filter")

    @classmethod
    def cut_off(cls) -> Fault:
        """The reply ends after half of it, with the finish reason `length`."""
        return cls("length")

    @classmethod
    def empty(cls) -> Fault:
        """A reply without content."""
        return cls("empty")

    @classmethod
    def broken_content(cls) -> Fault:
        """A reply whose text is half of what it should be, though it claims to be whole."""
        return cls("broken_content")
