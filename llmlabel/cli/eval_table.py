"""A report on the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from llmlabel.evaluation.report import Report

_LABELS_SHOWN = 30
_WRONG_SHOWN = 5
_TEXT_SHOWN = 100


def print_report(report: Report, console: Console) -> None:
    """Scores, labels, the most confident wrong answers, and what it took."""
    console.print(
        f"[bold]{escape(report.suite)}[/] ({report.split}) with [bold]{escape(report.guideline)}[/]"
        f": {report.n} cases, {report.failures} without an answer"
    )
    console.print(_scores(report))
    if report.per_label:
        console.print(_labels(report))
    if report.wrong:
        console.print(_wrong(report))
    point = report.suggested_threshold
    if point is not None and report.split == "calibration":
        console.print(
            f"Suggested threshold: {point.threshold:.4f} accepts {point.coverage:.1%} with "
            f"{point.accuracy:.1%} right (lower 95% bound {point.lower:.1%})."
        )
    for note in report.notes:
        console.print(f"[yellow]Note:[/] {escape(note)}")
    models = ", ".join(dict.fromkeys(use.model for use in report.models))
    if models:
        console.print(f"[dim]Models: {escape(models)}[/]")


def _scores(report: Report) -> Table:
    table = Table(show_header=False, pad_edge=False)
    table.add_column("metric")
    table.add_column("value", justify="right")
    table.add_column("interval", style="dim")
    for name, value in report.metrics.items():
        interval = report.interval
        beside = (
            f"{interval.low:.3f}–{interval.high:.3f}"
            if interval is not None and interval.metric == name
            else ""
        )
        table.add_row(name, "–" if value is None else f"{value:.4f}", beside)
    speed = report.throughput
    table.add_row("documents per second", f"{speed.documents_per_second:.2f}")
    if speed.audio_seconds_per_second is not None:
        table.add_row("audio seconds per second", f"{speed.audio_seconds_per_second:.2f}")
    table.add_row("seconds", f"{report.seconds:.1f}")
    cost = "not known" if report.cost_usd is None else f"${report.cost_usd:.4f}"
    table.add_row("cost", cost)
    return table


def _labels(report: Report) -> Table:
    worst = sorted(report.per_label, key=lambda score: score.f1 or 0.0)
    shown = {score.label for score in worst[:_LABELS_SHOWN]}
    title = None
    if len(shown) < len(report.per_label):
        title = f"the {len(shown)} weakest of {len(report.per_label)} labels"
    table = Table(title=title, pad_edge=False)
    table.add_column("label")
    for head in ("precision", "recall", "F1", "gold", "answered"):
        table.add_column(head, justify="right")
    for score in report.per_label:
        if score.label in shown:
            numbers = (score.precision, score.recall, score.f1)
            cells = ["–" if value is None else f"{value:.3f}" for value in numbers]
            table.add_row(escape(score.label), *cells, str(score.gold), str(score.predicted))
    return table


def _wrong(report: Report) -> Table:
    shown = report.wrong[:_WRONG_SHOWN]
    table = Table(
        title=f"wrong: {report.wrong_total}; the {len(shown)} most confident", pad_edge=False
    )
    for head in ("case", "text", "gold", "answer", "confidence"):
        table.add_column(head, overflow="fold")
    for case in shown:
        table.add_row(
            escape(case.id),
            *(
                escape(_short(text))
                for text in (case.text, case.gold, case.answer or f"no answer: {case.reason}")
            ),
            "–" if case.confidence is None else f"{case.confidence:.3f}",
        )
    return table


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _TEXT_SHOWN else flat[: _TEXT_SHOWN - 1] + "…"
