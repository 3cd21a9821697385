"""`llmlabel costs`: what labels cost, and what is left of the budget."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

import typer
from rich.table import Table

from llmlabel.bootstrap import build
from llmlabel.cli.console import console
from llmlabel.llm.budget import Spent
from llmlabel.settings import Settings
from llmlabel.store import By, LabelCost

_DAY = ["%Y-%m-%d"]


def costs(
    by: Annotated[By, typer.Option(help="What to sum by.")] = "guideline",
    guideline: Annotated[
        str | None,
        typer.Option("--guideline", "-g", help="Only of this one: a name or `name@version`."),
    ] = None,
    since: Annotated[datetime | None, typer.Option(formats=_DAY, help="First day (UTC).")] = None,
    until: Annotated[datetime | None, typer.Option(formats=_DAY, help="Last day (UTC).")] = None,
    json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
) -> None:
    """Show what labels cost, each and by the thousand, and what was spent in all.

    Replies from the cache and models on this machine cost nothing.
    """
    application = build(Settings())
    if guideline is not None:
        application.guidelines.get(guideline)
    days = (since.date() if since else None, until.date() if until else None)
    read = application.store.costs
    found = read.read(by, guideline=guideline, since=days[0], until=days[1])
    total = read.total(guideline=guideline, since=days[0], until=days[1])
    spent = application.spent()
    if json:
        said = {
            "by": by,
            "costs": [_plain(each) for each in found],
            "total": _plain(total),
            "spent": [each.model_dump() for each in spent],
        }
        typer.echo(jsonlib.dumps(said))
        return
    if found:
        console.print(_table(by, found, total))
    else:
        console.print("No label was saved yet.", soft_wrap=True)
    console.print(_spending(spent))


def _plain(cost: LabelCost) -> dict[str, object]:
    each = cost.per_label_usd
    thousand = None if each is None else each * 1000
    return {**cost.model_dump(), "usd_per_label": each, "usd_per_1000_labels": thousand}


def _table(by: By, found: Iterable[LabelCost], total: LabelCost) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2))
    table.add_column(by, overflow="fold")
    for head in ("labels", "from cache", "tokens", "cost", "per label", "per 1,000"):
        table.add_column(head, justify="right")
    for cost in found:
        table.add_row(cost.key, *_numbers(cost))
    if by != "model":
        table.add_row("in all", *_numbers(total), style="bold")
    return table


def _numbers(cost: LabelCost) -> Iterable[str]:
    each = cost.per_label_usd
    yield f"{cost.labels:,}"
    yield f"{cost.cached:,}"
    yield f"{cost.prompt_tokens + cost.completion_tokens:,}"
    yield f"${cost.cost_usd:,.4f}" + (f" and {cost.unknown:,} unknown" if cost.unknown else "")
    yield "not known" if each is None else f"${each:.6f}"
    yield "not known" if each is None else f"${each * 1000:,.4f}"


def _spending(spent: Iterable[Spent]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2))
    table.add_column("spent on remote models")
    for head in ("spent or set aside", "budget", "left"):
        table.add_column(head, justify="right")
    words = {"total": "in all", "month": "this month (UTC)", "day": "today (UTC)"}
    for each in spent:
        limited = each.budget_usd is not None and each.left_usd is not None
        table.add_row(
            words[each.period],
            f"${each.spent_usd:,.4f}",
            f"${each.budget_usd:,.2f}" if limited else "none",
            f"${each.left_usd:,.4f}" if limited else "–",
        )
    return table
