"""What the command line changes is told in the audit log, as soon as there are keys."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import wraps
from typing import TYPE_CHECKING, Any

import typer

from llmlabel.errors import LlmlabelError

if TYPE_CHECKING:
    from llmlabel.access import Access

CHANGES: Mapping[str, str | None] = {
    "audit labels": "guideline",
    "batches submit": "guideline",
    "batches pause": "id",
    "batches resume": "id",
    "batches budget": "id",
    "batches cancel": "id",
    "certify": "guideline",
    "documents delete": "ids",
    "gold import": "guideline",
    "jobs retry": "ids",
    "jobs cancel": "ids",
    "projects create": "name",
    "projects budget": "name",
    "projects delete": "name",
    "purge": None,
    "reviews relabel": "guideline",
    "reviews flags resolve": "id",
    "reviews reviewers clear": "name",
    "train run": "guideline",
    "train rollback": "guideline",
    "webhooks add": None,
    "webhooks change": "id",
    "webhooks rotate": "id",
    "webhooks remove": "id",
    "webhooks test": "id",
    "webhooks replay": "id",
}
"""Commands that change what is kept, and which argument says of what. `keys` tells of its own."""

_ONLY_WITH = {"audit labels": "queue"}
"""Commands that change something only when they are told to."""


def add_notes(app: typer.Typer, path: str, *, single: bool = False) -> None:
    """Have the commands of an application told that change something.

    Args:
        app: With its groups.
        path: What is typed before its commands.
        single: It has one command, which is called as the path itself.
    """
    for command in app.registered_commands:
        if command.callback is None:
            continue
        own = command.name or command.callback.__name__.strip("_").replace("_", "-")
        name = path if single else f"{path} {own}"
        if name in CHANGES and not hasattr(command.callback, "is_noted"):
            command.callback = _noted(command.callback, name)
    for group in app.registered_groups:
        if group.typer_instance is not None:
            add_notes(group.typer_instance, f"{path} {group.name}")


def me() -> str:
    """Who types, as the log names them."""
    try:
        return f"cli:{getpass.getuser()}"
    except (OSError, KeyError):  # a user without a name, as in some containers
        return "cli:"


def note(access: Access, what: str, target: str, project: str) -> None:
    """Add a line to the audit log."""
    from llmlabel.domain.access import AccessEntry  # noqa: PLC0415 - not for `--help`

    access.log.append(
        AccessEntry(
            at=access.clock(),
            key_id=None,
            name=me(),
            project=project,
            method="CLI",
            route=what,
            target=target,
            status=0,
            request_id="",
        )
    )


def _noted(callback: Callable[..., Any], name: str) -> Callable[..., Any]:
    @wraps(callback)
    def run(*args: Any, **given: Any) -> Any:
        try:
            done = callback(*args, **given)
        except typer.Abort:
            raise  # somebody was asked, and said no
        except BaseException:
            with suppress(Exception):  # what went wrong first is what is told
                _tell(name, given)
            raise
        try:
            _tell(name, given)
        except LlmlabelError as error:
            from llmlabel.cli.console import errors  # noqa: PLC0415

            errors.print(f"Done, but not in the audit log: {error.detail}", highlight=False)
        return done

    run.is_noted = True  # type: ignore[attr-defined]
    return run


def _tell(name: str, given: Mapping[str, Any]) -> None:
    only = _ONLY_WITH.get(name)
    if given.get("dry_run") or (only is not None and not given.get(only)):
        return
    # Imports that commands which change nothing do without.
    from llmlabel.access.naming import target_of  # noqa: PLC0415
    from llmlabel.bootstrap import build_service  # noqa: PLC0415
    from llmlabel.domain.project import DEFAULT_PROJECT  # noqa: PLC0415
    from llmlabel.settings import Settings  # noqa: PLC0415

    settings = Settings()
    service = build_service(settings)
    if not service.has_store:
        return
    access = service.access
    access.keys.refresh()
    if not access.keys.exist:
        return  # there is nobody to tell apart
    # A project's lines go with it, and that it went is to be told.
    project = DEFAULT_PROJECT if name.startswith("projects ") else settings.project
    about = given.get(CHANGES[name] or "")
    for one in about if isinstance(about, list) and about else [about]:
        note(access, name, target_of(name.partition(" ")[0], str(one or "")), project)
