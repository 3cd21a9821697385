"""`llmlabel settings`: every setting, its meaning, default and value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, NamedTuple

import typer
from pydantic import SecretStr
from pydantic.fields import FieldInfo
from rich.table import Table

from llmlabel.cli.console import console
from llmlabel.domain.privacy import without_secrets
from llmlabel.settings import Settings


class Row(NamedTuple):
    """One setting in words."""

    variable: str
    default: str
    value: str
    meaning: str


def settings(
    markdown: Annotated[
        bool, typer.Option("--markdown", help="The page docs/settings.md.")
    ] = False,
) -> None:
    """Show every setting: the variable, its value here, what it means."""
    if markdown:
        typer.echo(page(), nl=False)
        return
    table = Table(header_style="bold", pad_edge=False)
    for heading in ("variable", "value", "meaning"):
        table.add_column(heading, overflow="fold")
    for row in rows(Settings()):
        changed = row.value != row.default
        table.add_row(row.variable, f"[bold]{row.value}[/]" if changed else row.value, row.meaning)
    console.print(table)


def rows(current: Settings | None = None) -> Iterator[Row]:
    """Every setting in the order of the class."""
    for name, field in Settings.model_fields.items():
        value = getattr(current, name) if current is not None else None
        yield Row(
            variable=f"LLMLABEL_{name.upper()}",
            default=_default(name, field),
            value=_shown(value),
            meaning=" ".join((field.description or "").split()),
        )


def page() -> str:
    """All settings as Markdown; a test compares it with docs/settings.md."""
    lines = [
        "# Settings",
        "",
        "Environment variables, or lines of a `.env` file in the working folder.",
        "`llmlabel settings` shows the values in force. For secrets, `LLMLABEL_SECRETS_DIR` may "
        "name a",
        "folder of files named as settings in lower case (`llmlabel_database_url`); a variable "
        "wins over",
        "such a file. Every command names what begins with `LLMLABEL_` and is none of these.",
        "",
        "| variable | default | meaning |",
        "|---|---|---|",
    ]
    lines += [f"| `{row.variable}` | {row.default} | {row.meaning} |" for row in rows()]
    lines += [
        "",
        "Traces are set by the standard variables of OpenTelemetry "
        "(`OTEL_EXPORTER_OTLP_ENDPOINT` and the",
        "like), which need `llmlabel[otel]`; see [operations](operations.md#traces).",
    ]
    return "\n".join(lines) + "\n"


def _default(name: str, field: FieldInfo) -> str:
    if name == "home":
        return "the user's data folder"
    return _shown(field.default)


def _shown(value: Any) -> str:
    if value is None or value == ():
        return "–"
    if isinstance(value, SecretStr):
        return "set"
    if isinstance(value, tuple):
        return ", ".join(without_secrets(str(each)) for each in value)
    return without_secrets(str(value))
