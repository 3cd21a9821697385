"""Plots as SVG text: drawn with CSS variables, so that they follow the page's light or dark."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from llmlabel.evaluation.report import Confusion, Curve, ReliabilityBin

_SIDE, _PAD = 300, 44
_AT_MOST = 30


def reliability_diagram(bins: Sequence[ReliabilityBin]) -> str:
    """Accuracy against confidence; right on the diagonal, the confidence is what it says."""
    largest = max(b.n for b in bins)
    marks = [_line([(0, 0), (1, 1)], "guide")]
    for b in bins:
        x0, x1 = _x(b.low) + 1, _x(b.high) - 1
        marks.append(
            f'<rect class="bar" x="{x0:.1f}" y="{_y(b.accuracy):.1f}" width="{x1 - x0:.1f}" '
            f'height="{_y(0) - _y(b.accuracy):.1f}"><title>{b.n} answers, mean confidence '
            f"{b.confidence:.3f}, accuracy {b.accuracy:.3f}</title></rect>"
        )
        marks.append(
            f'<circle class="dot" cx="{_x(b.confidence):.1f}" cy="{_y(b.accuracy):.1f}" '
            f'r="{2 + 4 * (b.n / largest) ** 0.5:.1f}"/>'
        )
    return _plot("".join(marks), "confidence", "accuracy")


def risk_coverage_plot(curve: Curve, threshold: float) -> str:
    """Share of wrong answers among those accepted, with the guideline's threshold marked."""
    top = max(0.1, *curve.y)
    scale = next(step for step in (0.1, 0.2, 0.5, 1.0) if step >= top - 1e-9)
    points = [(x, y / scale) for x, y in zip(curve.x, curve.y, strict=True)]
    marks = [_line(points, "curve")]
    within = [i for i, value in enumerate(curve.threshold) if value >= threshold]
    if within:
        x, y = points[within[-1]]
        marks.append(
            f'<circle class="mark" cx="{_x(x):.1f}" cy="{_y(y):.1f}" r="5"><title>threshold '
            f"{threshold:.3f}: coverage {x:.3f}, wrong {y * scale:.3f}</title></circle>"
        )
    return _plot("".join(marks), "coverage (share accepted)", "share wrong", y_top=scale)


def precision_recall_plot(curve: Curve) -> str:
    """Precision against recall as the threshold falls."""
    return _plot(_line(list(zip(curve.x, curve.y, strict=True)), "curve"), "recall", "precision")


def confusion_plot(confusion: Confusion) -> str:
    """A heat map of gold (rows) against answers (columns); of many labels, the most confused."""
    order = list(range(len(confusion.labels)))
    if len(order) > _AT_MOST:
        wrong = [sum(row) - row[i] for i, row in enumerate(confusion.table)]
        order = sorted(sorted(order, key=lambda i: -wrong[i])[:_AT_MOST])
    columns = [*order, len(confusion.labels)]
    names = [*confusion.labels, "other or none"]
    cell = 26 if len(order) > 8 else 40
    left = 14 + 7 * max(len(names[i]) for i in columns)
    width, height = left + cell * len(columns) + 8, left + cell * len(order) + 8
    parts = []
    for row, i in enumerate(order):
        y = left + row * cell
        total = sum(confusion.table[i]) or 1
        parts.append(
            f'<text class="name" x="{left - 6}" y="{y + cell / 2 + 4}" text-anchor="end">'
            f"{escape(names[i])}</text>"
        )
        for column, j in enumerate(columns):
            n = confusion.table[i][j]
            kind = "good" if i == j else "bad"
            x = left + column * cell
            parts.append(
                f'<rect class="{kind}" x="{x}" y="{y}" width="{cell - 1}" height="{cell - 1}" '
                f'fill-opacity="{0.06 + 0.84 * n / total:.3f}"><title>{escape(names[i])} answered '
                f"as {escape(names[j])}: {n}</title></rect>"
            )
            if n:
                parts.append(
                    f'<text class="n" x="{x + cell / 2}" y="{y + cell / 2 + 4}" '
                    f'text-anchor="middle">{n}</text>'
                )
    for column, j in enumerate(columns):
        middle = left + column * cell + cell / 2 + 4
        parts.append(
            f'<text class="name" transform="translate({middle},{left - 6}) rotate(-90)">'
            f"{escape(names[j])}</text>"
        )
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" role="img" '
        f'aria-label="confusion matrix">{"".join(parts)}</svg>'
    )


def _x(value: float) -> float:
    return _PAD + value * _SIDE


def _y(value: float) -> float:
    return 12 + (1 - value) * _SIDE


def _line(points: Sequence[tuple[float, float]], kind: str) -> str:
    if len(points) == 1:
        x, y = points[0]
        return f'<circle class="dot" cx="{_x(x):.1f}" cy="{_y(y):.1f}" r="4"/>'
    path = " ".join(f"{_x(x):.1f},{_y(y):.1f}" for x, y in points)
    return f'<polyline class="{kind}" points="{path}"/>'


def _plot(marks: str, x_name: str, y_name: str, y_top: float = 1.0) -> str:
    ticks = []
    for step in range(6):
        at = step / 5
        ticks.append(
            f'<line class="grid" x1="{_x(at)}" x2="{_x(at)}" y1="{_y(0)}" y2="{_y(1)}"/>'
            f'<line class="grid" x1="{_x(0)}" x2="{_x(1)}" y1="{_y(at)}" y2="{_y(at)}"/>'
            f'<text x="{_x(at)}" y="{_y(0) + 15}" text-anchor="middle">{at:.1f}</text>'
            f'<text x="{_x(0) - 5}" y="{_y(at) + 4}" text-anchor="end">{at * y_top:.2g}</text>'
        )
    middle = _y(0.5)
    names = (
        f'<text x="{_x(0.5)}" y="{_y(0) + 32}" text-anchor="middle">{escape(x_name)}</text>'
        f'<text transform="translate(11,{middle}) rotate(-90)" text-anchor="middle">'
        f"{escape(y_name)}</text>"
    )
    width, height = _PAD + _SIDE + 14, 12 + _SIDE + 40
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" role="img" '
        f'aria-label="{escape(y_name)} by {escape(x_name)}">{"".join(ticks)}{marks}{names}</svg>'
    )
