"""The command `llmlabel`: finds the subcommand asked for and loads no other."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import typer
from pydantic import ValidationError
from typer.core import TyperGroup
from typer.main import get_command

from llmlabel import __version__
from llmlabel.cli.console import fail, warn
from llmlabel.cli.in_project import add_project
from llmlabel.cli.logs import log_to_stderr
from llmlabel.cli.noted import add_notes
from llmlabel.errors import InvalidInput, LlmlabelError
from llmlabel.settings import explained, mistyped

COMMANDS = {
    "label": "llmlabel.cli.label:label",
    "serve": "llmlabel.cli.serve:serve",
    "worker": "llmlabel.cli.worker:worker",
    "jobs": "llmlabel.cli.jobs:app",
    "eval": "llmlabel.cli.eval:eval_command",
    "simulate": "llmlabel.cli.simulate:simulate",
    "guidelines": "llmlabel.cli.guidelines:app",
    "gold": "llmlabel.cli.gold:app",
    "train": "llmlabel.cli.train:app",
    "certify": "llmlabel.cli.certify:certify",
    "quality": "llmlabel.cli.quality:quality",
    "audit": "llmlabel.cli.audit:app",
    "costs": "llmlabel.cli.costs:costs",
    "agreement": "llmlabel.cli.agreement:agreement",
    "reviews": "llmlabel.cli.reviews:app",
    "projects": "llmlabel.cli.projects:app",
    "keys": "llmlabel.cli.keys:app",
    "webhooks": "llmlabel.cli.webhooks:app",
    "documents": "llmlabel.cli.documents:app",
    "batches": "llmlabel.cli.batches:app",
    "purge": "llmlabel.cli.purge:purge",
    "db": "llmlabel.cli.db:app",
    "models": "llmlabel.cli.models:app",
    "doctor": "llmlabel.cli.doctor:doctor",
    "settings": "llmlabel.cli.settings:settings",
    "demo": "llmlabel.cli.demo:demo",
}
"""Every subcommand and where it lives: a Typer application, or a function that is the command."""

OF_NO_PROJECT = frozenset({"serve", "worker", "projects", "keys", "db", "models"})
"""Subcommands that are about the whole service, or about none."""


class Lazy(TyperGroup):
    """A group that imports a subcommand when it is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The subcommands in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import one subcommand; None when there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].partition(":")
        found = getattr(import_module(module), attribute)
        is_group = isinstance(found, typer.Typer)
        if not is_group:
            single = typer.Typer(add_completion=False)
            single.command(cmd_name)(found)
            found = single
        add_notes(found, cmd_name, single=not is_group)
        if cmd_name not in OF_NO_PROJECT:
            add_project(found)
        command = get_command(found)
        command.name = cmd_name
        return command


app = typer.Typer(
    cls=Lazy,
    help="Labels for text and audio, with a confidence that means what it says.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _main(
    ctx: typer.Context,
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version."
    ),
) -> None:
    if ctx.invoked_subcommand not in {"serve", "worker"}:  # which log as the settings say
        log_to_stderr()
    if ctx.invoked_subcommand != "doctor":  # which tells of it in its table
        for about in mistyped().values():
            warn(f"{about} `llmlabel settings` lists them all.")


def run() -> None:
    """Run the command line; an error we can explain is one line and exit code 1."""
    try:
        app()
    except LlmlabelError as error:
        sys.exit(fail(error))
    except ValidationError as error:
        if error.title != "Settings":
            raise
        sys.exit(fail(explained(error)))
    except OSError as error:
        if error.filename is None:
            raise
        sys.exit(
            fail(InvalidInput(f"{error.filename} cannot be read or written: {error.strerror}."))
        )
