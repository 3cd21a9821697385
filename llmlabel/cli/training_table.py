"""A training as a person reads it."""

from __future__ import annotations

from pydantic import JsonValue
from rich.console import Console
from rich.table import Table
from rich.text import Text

from llmlabel.learning.training_report import TrainingReport, TrainingScores

_ROWS = (
    ("accuracy", "accuracy", "right answers"),
    ("ece", "ECE", "gap between confidence and accuracy; lower is better"),
    ("brier", "Brier", "error of the confidence; lower is better"),
    ("auroc", "AUROC", "right ones have the higher confidence"),
    ("aurc", "AURC", "errors among the surest; lower is better"),
)


def print_training(report: TrainingReport, console: Console) -> None:
    """Print what it learned from, scores before and after, what joined and why."""
    gold = f", {report.from_gold} of them imported gold" if report.from_gold else ""
    _say(
        console,
        f"[bold]{report.guideline}[/] learned from {report.n} of {report.known} verified "
        f"labels{gold}, in {report.seconds:.1f} s",
    )
    for reason, count in report.left_out.items():
        _say(console, f"  [dim]left out: {count} {reason}[/]")
    console.print(_scores(report))
    _say(console, f"  {joined(report)}")
    if report.student:
        rest = (
            f"the other labelers are asked where it is below {report.doubt:.2f}: "
            f"{report.calls_saved:.0%} of their calls saved"
            if report.doubt is not None
            else "the other labelers are asked of every document all the same"
        )
        _say(console, f"  {rest}")
    if report.examples:
        _say(console, f"  {report.examples} verified labels may be shown to the language model")


def joined(report: TrainingReport) -> str:
    """Whether a student or head joined, and the numbers why, in one line."""
    what = "student" if report.kind == "choice" else "head"
    test = report.paired_test
    numbers = ""
    if test is not None:
        numbers = (
            f": mean loss {_number(test, 'before')} without it, {_number(test, 'after')} with it, "
            f"p = {_number(test, 'p_value')} on {test.get('texts')} texts"
        )
    if report.student or report.head:
        return f"The {what} joins{numbers}."
    if report.kind == "transcript":
        return "Only the confidence is learned for transcripts."
    return f"No {what} joins{numbers or ': ' + report.why if numbers or report.why else ''}."


def _number(test: dict[str, JsonValue], name: str) -> str:
    value = test.get(name)
    return f"{value:.3g}" if isinstance(value, int | float) else "?"


def _scores(report: TrainingReport) -> Table:
    before, after = report.before, report.after
    table = Table(box=None, pad_edge=True, header_style="bold")
    table.add_column("")
    table.add_column("before", justify="right")
    table.add_column("after", justify="right")
    table.add_column("", style="dim")
    for field, name, meaning in _ROWS:
        table.add_row(name, _score(before, field), _score(after, field), meaning)
    table.add_row("answers", *(str(each.n) if each else "–" for each in (before, after)), "")
    if report.units_before and report.units_after:
        for field, name in (("accuracy", "precision"), ("recall", "recall"), ("auroc", "AUROC")):
            values = (each.get(field) for each in (report.units_before, report.units_after))
            table.add_row(
                f"{name} of {report.kind}", *(_shown(value) for value in values), "one by one"
            )
    return table


def _score(scores: TrainingScores | None, field: str) -> Text:
    return _shown(None if scores is None else getattr(scores, field))


def _shown(value: float | None) -> Text:
    return Text("–" if value is None else f"{value:.3f}")


def _say(console: Console, text: str) -> None:
    console.print(text, highlight=False, soft_wrap=True)
