"""A simulation on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from llmlabel.learning.simulate.report import SimulationReport


def print_simulation(report: SimulationReport, console: Console) -> None:
    """The policies side by side, and the result in words."""
    earlier = f" after {report.history:,} verified documents" if report.history else ""
    console.print(
        f"[bold]{escape(report.name)}[/] with [bold]{escape(report.guideline)}[/], promise "
        f"[bold]{escape(str(report.promise))}[/]: {report.n:,} documents in {report.orders} random "
        f"orders{earlier}"
    )
    table = Table(pad_edge=False)
    table.add_column("policy")
    for name in ("human decisions", "saved", "right", "unseen", "of those wrong", "broken in"):
        table.add_column(name, justify="right")
    for name, found in report.policies.items():
        error = "–" if found.accepted_error is None else f"{found.accepted_error:.2%}"
        table.add_row(
            name,
            f"{found.human_decisions:,.1f}",
            f"{found.saved:.1%}",
            f"{found.delivered_accuracy:.2%}",
            f"{found.coverage:.1%}",
            error,
            f"{found.violations} of {found.orders}",
        )
    console.print(table)
    console.print(escape(report.sentence), highlight=False)
    promised = report.policies["promise"]
    why = ", ".join(f"{count:,.0f} {name}" for name, count in promised.reasons.items() if count)
    console.print(
        f"[dim]People decided for: {why}. Language-model calls saved: "
        f"{promised.llm_calls_saved / report.n:.0%}. "
        + ", ".join(f"{step} {spent:.1f} s" for step, spent in report.seconds.items())
        + "[/]"
    )
    for note in report.notes:
        console.print(f"[yellow]Note:[/] {escape(note)}")
