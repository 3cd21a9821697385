"""`llmlabel serve`: the HTTP service."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Any

import typer

from llmlabel.cli.console import errors
from llmlabel.cli.logs import log_to_stderr, server_logs
from llmlabel.errors import InvalidSetting
from llmlabel.settings import Settings

KEEP_ALIVE_SECONDS = 75
"""How long a connection may rest. A request that meets one just being closed is lost, and people
rest longer between two requests than the five seconds of the server's own default."""


def serve(
    host: Annotated[str | None, typer.Option(help="Address. [default: LLMLABEL_HOST]")] = None,
    port: Annotated[int | None, typer.Option(help="Port. [default: LLMLABEL_PORT]")] = None,
) -> None:
    """Serve the HTTP interface on this machine.

    Models are loaded when they are first needed; /readyz says which are there. There are no
    keys yet, so the service answers on loopback addresses only.
    """
    given: dict[str, Any] = {"host": host, "port": port}
    settings = Settings(**{name: value for name, value in given.items() if value is not None})
    host, port = settings.host, settings.port
    if not _is_loopback(host):
        raise InvalidSetting(
            f"Without keys the service answers on loopback only, not on {host}; use "
            "--host 127.0.0.1 and, to reach it from elsewhere, a proxy that checks who asks.",
            field="host",
        )
    import uvicorn  # noqa: PLC0415 - a second of imports that other commands do not need

    from llmlabel.api import create_app  # noqa: PLC0415
    from llmlabel.bootstrap import build  # noqa: PLC0415

    log_to_stderr(settings.log_level, settings.log_format)
    errors.print(
        f"llmlabel serves http://{host}:{port} (reviews at /review, documentation at /docs); "
        "without keys it answers on this machine only. Stop it with Ctrl-C.",
        highlight=False,
    )
    uvicorn.run(
        create_app(build(settings)),
        host=host,
        port=port,
        log_config=server_logs(settings.log_level, settings.log_format),
        access_log=False,  # the service logs its requests itself, with their ids
        timeout_graceful_shutdown=30,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
