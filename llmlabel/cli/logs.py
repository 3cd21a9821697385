"""What is logged, and how: on the standard error, so that results can be piped."""

from __future__ import annotations

import contextlib
import logging
import sys
from typing import Any, Literal

Level = Literal["debug", "info", "warning", "error"]
Form = Literal["text", "json"]


def log_to_stderr(level: Level = "warning", form: Form = "text") -> None:
    """Log to the standard error from now on, for the whole process.

    Args:
        level: The least that is told.
        form: `text` for people, `json` for one object a line.
    """
    import structlog  # noqa: PLC0415 - `--help` and the like do without

    class Lines(structlog.WriteLogger):
        def msg(self, message: str) -> None:
            # A log on a full disk, or whose reader has gone, ends no work.
            with contextlib.suppress(OSError, ValueError):
                super().msg(message)

        debug = info = warning = error = critical = msg

    structlog.configure(
        processors=[
            *_common(),
            *_last(form, sys.stderr.isatty()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        # Asked for at every line: the stream is another one where somebody redirects it.
        logger_factory=lambda *_: Lines(sys.stderr),
    )


def server_logs(level: Level, form: Form) -> dict[str, Any]:
    """The same for what uvicorn and other libraries log, as a `logging.config` dictionary."""
    import structlog  # noqa: PLC0415

    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": _common(),
        "processors": [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *_last(form, sys.stderr.isatty()),
        ],
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": formatter},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "lines",
                "stream": "ext://sys.stderr",
            }
        },
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {"uvicorn": {"level": level.upper()}},
    }


def _common() -> list[Any]:
    import structlog  # noqa: PLC0415

    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]


def _last(form: Form, colors: bool) -> list[Any]:
    import structlog  # noqa: PLC0415

    from llmlabel.telemetry.words import format_exception  # noqa: PLC0415

    if form == "json":
        return [format_exception, structlog.processors.JSONRenderer()]
    return [format_exception, structlog.dev.ConsoleRenderer(colors=colors)]
