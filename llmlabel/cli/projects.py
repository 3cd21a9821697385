"""`llmlabel projects`: tenants of a service, each with everything of its own."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from llmlabel.bootstrap import build_service
from llmlabel.cli.console import console
from llmlabel.cli.words import say
from llmlabel.domain.project import DEFAULT_PROJECT, Project, ProjectBudget
from llmlabel.errors import Conflict
from llmlabel.settings import Settings

app = typer.Typer(
    add_completion=False,
    help="Projects: tenants of the service, each with everything of its own.",
    no_args_is_help=True,
)

Name = Annotated[str, typer.Argument(help="Lower-case letters, digits and hyphens.")]
Total = Annotated[
    float | None, typer.Option(min=0, help="US dollars it may spend on remote models in all.")
]
Month = Annotated[float | None, typer.Option(min=0, help="In a calendar month (UTC).")]
Day = Annotated[float | None, typer.Option(min=0, help="In a day (UTC).")]
Json = Annotated[bool, typer.Option("--json", help="As JSON, for programs.")]


@app.command()
def create(
    name: Name, total: Total = None, month: Month = None, day: Day = None, json: Json = False
) -> None:
    """Make a project with a database of its own.

    Without a budget of its own it may spend what the whole service may.
    """
    budget = ProjectBudget(total_usd=total, month_usd=month, day_usd=day)
    made = build_service(Settings()).projects.create(name, budget)
    if json:
        typer.echo(made.model_dump_json())
        return
    say(
        f"Made the project {name}. Commands are about it with --project {name}; a key for it: "
        f"llmlabel keys create --project {name} --name … --role …"
    )


@app.command("list")
def list_projects(json: Json = False) -> None:
    """Show every project and its budget."""
    found = build_service(Settings()).projects.all()
    if json:
        typer.echo("[" + ",".join(each.model_dump_json() for each in found) + "]")
        return
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2))
    for head in ("project", "made", "budget in all", "a month", "a day"):
        table.add_column(head)
    for each in found:
        table.add_row(*_row(each))
    console.print(table)


@app.command()
def budget(
    name: Name, total: Total = None, month: Month = None, day: Day = None, json: Json = False
) -> None:
    """Say what a project may spend; what is not named is without a limit of its own.

    Running services go by it within seconds, and what waited for money goes on by itself.
    """
    limits = ProjectBudget(total_usd=total, month_usd=month, day_usd=day)
    limited = build_service(Settings()).projects.limit(name, limits)
    if json:
        typer.echo(limited.model_dump_json())
        return
    _, _, in_all, a_month, a_day = _row(limited)
    say(f"{name} may spend in all: {in_all}; a month: {a_month}; a day: {a_day}.")


@app.command()
def delete(
    name: Name,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Do not ask for the name again.")
    ] = False,
) -> None:
    """Delete a project with everything in it, for good.

    Documents, labels, reviews, gold, certificates, recordings, webhooks, jobs, keys: all goes, and
    the name is not given again.
    """
    projects = build_service(Settings()).projects
    if name not in projects.closing():
        projects.get(name)
    if not yes and name != DEFAULT_PROJECT:
        typed = typer.prompt(f"Everything of {name} is deleted for good. Its name, to go on")
        if typed.strip() != name:
            raise Conflict("That is another name; nothing was deleted.", field="project")
    projects.delete(name)
    say(f"Deleted the project {name} with everything in it.")


def _row(project: Project) -> tuple[str, str, str, str, str]:
    if project.name == DEFAULT_PROJECT:
        service = "as the service"
        return project.name, "with the service", service, service, service
    made = f"{project.created_at:%Y-%m-%d %H:%M} UTC" if project.created_at else ""
    limits = project.budget
    return (
        project.name,
        made,
        *(
            "no limit of its own" if usd is None else f"${usd:,.2f}"
            for usd in (limits.total_usd, limits.month_usd, limits.day_usd)
        ),
    )  # type: ignore[return-value]
