"""`--project` for every command that reads or writes a database."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Annotated, Any

import typer

VARIABLE = "LLMLABEL_PROJECT"

_Project = Annotated[
    str | None,
    typer.Option("--project", help=f"Which project it is about, if not that of {VARIABLE}."),
]


def add_project(app: typer.Typer) -> None:
    """Give every command of an application the option, unless it has one of its own."""
    for command in app.registered_commands:
        if command.callback is not None:
            command.callback = _with_project(command.callback)
    for group in app.registered_groups:
        if group.typer_instance is not None:
            add_project(group.typer_instance)


def _with_project(callback: Callable[..., Any]) -> Callable[..., Any]:
    # As values: the names within annotations are known to the module of the command only.
    signature = inspect.signature(callback, eval_str=True)
    if "project" in signature.parameters:
        return callback

    @wraps(callback)
    def run(*args: Any, project: str | None = None, **more: Any) -> Any:
        with _chosen(project):
            return callback(*args, **more)

    option = inspect.Parameter(
        "project", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=_Project
    )
    parameters = [*signature.parameters.values(), option]
    run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    return run


@contextmanager
def _chosen(project: str | None) -> Iterator[None]:
    """While the command runs, the settings say what the option does."""
    if project is None:
        yield
        return
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = project
    try:
        yield
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before
