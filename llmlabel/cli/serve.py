"""`llmlabel serve`: the HTTP service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from llmlabel.cli.console import errors
from llmlabel.cli.logs import log_to_stderr, server_logs
from llmlabel.errors import InvalidSetting
from llmlabel.settings import Settings

if TYPE_CHECKING:
    from llmlabel.bootstrap import Application

KEEP_ALIVE_SECONDS = 75
"""How long a connection may rest. A request that meets one just being closed is lost, and people
rest longer between two requests than the five seconds of the server's own default."""


def serve(
    host: Annotated[str | None, typer.Option(help="Address. [default: LLMLABEL_HOST]")] = None,
    port: Annotated[int | None, typer.Option(help="Port. [default: LLMLABEL_PORT]")] = None,
    no_worker: Annotated[
        bool,
        typer.Option(
            "--no-worker", help="Accept work and do none of it; `llmlabel worker` does, elsewhere."
        ),
    ] = False,
) -> None:
    """Serve the HTTP interface.

    Models are loaded when they are first needed; /readyz says which are there. Without keys the
    service answers on loopback addresses only; `llmlabel keys create` makes one.
    """
    given: dict[str, Any] = {"host": host, "port": port, "queues": () if no_worker else None}
    settings = Settings(**{name: value for name, value in given.items() if value is not None})
    host, port = settings.host, settings.port
    import uvicorn  # noqa: PLC0415 - a second of imports that other commands do not need

    from llmlabel.access.loopback import is_loopback  # noqa: PLC0415
    from llmlabel.api import create_app  # noqa: PLC0415
    from llmlabel.bootstrap import build_service  # noqa: PLC0415

    application, loopback = build_service(settings), is_loopback(host)
    keyed = _has_keys(application)
    if not loopback and not keyed:
        raise InvalidSetting(
            f"Without a key that counts the service answers on loopback only, not on {host}; make "
            "one with `llmlabel keys create --name NAME --role admin`, or use --host 127.0.0.1.",
            field="host",
        )
    log_to_stderr(settings.log_level, settings.log_format)
    errors.print(
        f"llmlabel serves http://{host}:{port} (reviews at /review, documentation at /docs); "
        f"{'requests need a key' if keyed else 'without keys it answers on this machine only'}. "
        "Stop it with Ctrl-C.",
        highlight=False,
    )
    uvicorn.run(
        create_app(application, loopback=loopback),
        host=host,
        port=port,
        log_config=server_logs(settings.log_level, settings.log_format),
        access_log=False,  # the service logs its requests itself, with their ids
        timeout_graceful_shutdown=30,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )


def _has_keys(application: Application) -> bool:
    if not application.has_store:
        return False
    keys = application.access.keys
    keys.refresh()
    return keys.usable
