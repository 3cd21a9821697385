"""`llmlabel worker`: does what services accept, on any number of hosts."""

from __future__ import annotations

import asyncio
import logging.config
import signal
import threading
from typing import TYPE_CHECKING, Annotated, Any

import typer

from llmlabel.cli.console import errors
from llmlabel.cli.logs import log_to_stderr, server_logs
from llmlabel.errors import InvalidSetting
from llmlabel.settings import Settings

if TYPE_CHECKING:
    from llmlabel.telemetry import Telemetry

STOP_SECONDS = 30.0
"""What is under way when a worker is told to stop may take so long to end."""


def worker(
    queues: Annotated[
        str | None,
        typer.Option(
            help="What to work on, separated by commas: text, audio, learning. "
            "[default: LLMLABEL_QUEUES]"
        ),
    ] = None,
    metrics_port: Annotated[
        int | None,
        typer.Option(help="Port for Prometheus. [default: LLMLABEL_METRICS_PORT]"),
    ] = None,
) -> None:
    """Work on what was accepted, until told to stop.

    Any number of workers may share a PostgreSQL database, on any hosts, beside services or
    without; on SQLite they are processes of one machine. Each also sends webhooks and looks after
    what services look after. Told to stop (Ctrl-C, SIGTERM) it takes no more, ends what it can
    within 30 seconds and hands back the rest, which others go on with at once. Told twice it
    hands back everything.
    """
    given: dict[str, Any] = {"queues": queues, "metrics_port": metrics_port}
    settings = Settings(**{name: value for name, value in given.items() if value is not None})
    if not settings.queues:
        raise InvalidSetting(
            "A worker needs something to work on; name some of text, audio, learning.",
            field="queues",
        )
    # Imports that other commands do without.
    from llmlabel.bootstrap import build_service  # noqa: PLC0415

    log_to_stderr(settings.log_level, settings.log_format)
    logging.config.dictConfig(server_logs(settings.log_level, settings.log_format))
    application = build_service(settings)
    told, again = threading.Event(), threading.Event()

    def tell(number: int, frame: object) -> None:
        if told.is_set():
            again.set()
        told.set()

    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, tell)
    if settings.metrics_port is not None:
        _answer(application.telemetry, settings.metrics_host, settings.metrics_port)
    application.runner.start()
    errors.print(
        f"llmlabel works on {', '.join(settings.queues)}. Stop it with Ctrl-C.", highlight=False
    )
    _until(told)
    errors.print(
        "llmlabel ends what is under way. Stop it again to hand all back.", highlight=False
    )
    ending = threading.Thread(target=application.runner.stop, args=(STOP_SECONDS,))
    ending.start()
    while ending.is_alive():
        ending.join(0.2)
        if again.is_set():
            again.clear()
            application.runner.cut_off()
    asyncio.run(application.close())


def _until(told: threading.Event) -> None:
    # In steps, so that a signal is met between two of them on every system.
    while not told.wait(1.0):
        pass


def _answer(telemetry: Telemetry, host: str, port: int) -> None:
    """Give Prometheus what this process counts; what is in the database, services tell."""
    from prometheus_client import start_http_server  # noqa: PLC0415

    try:
        start_http_server(port, host, telemetry.meters.registry)
    except OSError as error:
        raise InvalidSetting(
            f"Metrics cannot be given at {host}:{port} ({error.strerror}); set "
            "LLMLABEL_METRICS_PORT to a free one.",
            field="metrics_port",
        ) from error
