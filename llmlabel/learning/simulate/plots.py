"""Curves of several policies as SVG; colours are CSS classes, so that they follow the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT, _LEFT, _TOP, _RIGHT, _BELOW = 400, 280, 56, 12, 16, 44
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)

COLOURS = 5
"""Lines that can be told apart."""

STYLE = """
:root{--p0:#2563a8;--p1:#2f7d4f;--p2:#b3452c;--p3:#8a6d1f;--p4:#6b7480}
@media(prefers-color-scheme:dark){:root{--p0:#6fa8e6;--p1:#63b585;--p2:#e08a72;--p3:#d3b25c;
--p4:#9aa5af}}
.line{fill:none;stroke-width:2}.band{stroke:none;fill-opacity:.13}.limit{stroke:var(--ink);
stroke-dasharray:6 4;stroke-width:1;fill:none}
.s0{stroke:var(--p0);fill:var(--p0)}.s1{stroke:var(--p1);fill:var(--p1)}
.s2{stroke:var(--p2);fill:var(--p2)}.s3{stroke:var(--p3);fill:var(--p3)}
.s4{stroke:var(--p4);fill:var(--p4)}
.band.s0,.band.s1,.band.s2,.band.s3,.band.s4{stroke:none}
.line.s0,.line.s1,.line.s2,.line.s3,.line.s4{fill:none}
.line.s1{stroke-dasharray:7 3}.line.s2{stroke-dasharray:2 3}.line.s3{stroke-dasharray:9 3 2 3}
.legend{list-style:none;padding:0;display:flex;flex-wrap:wrap;gap:.3rem 1.4rem}
.legend svg{vertical-align:middle;margin-right:.4rem}
"""
"""CSS that the plots need; lines differ by dashes too, for those who see no colours."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line with the band around it; all of the same length."""

    name: str
    colour: int
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]


def lines_plot(
    lines: Sequence[Line],
    x_name: str,
    y_name: str,
    *,
    y_range: tuple[float, float] = (0.0, 1.0),
    limit: tuple[float, str] | None = None,
) -> str:
    """Lines over one pair of axes; the y axis is a share, shown in percent.

    Args:
        lines: At most `COLOURS`, drawn the last first.
        x_name: Of the horizontal axis, which starts at 0.
        y_name: Of the vertical axis.
        y_range: What of it is shown; what lies beyond is cut off.
        limit: A height to mark, and what it is.
    """
    furthest = max((max(line.x, default=0) for line in lines), default=0) or 1.0
    axes = _Axes(1.02 * furthest, *y_range)
    marks = [axes.grid(x_name, y_name)]
    if limit is not None and y_range[0] <= limit[0] <= y_range[1]:
        y = axes.y(limit[0])
        marks.append(
            f'<line class="limit" x1="{_LEFT}" x2="{_LEFT + _WIDTH}" y1="{y:.1f}" y2="{y:.1f}">'
            f"<title>{escape(limit[1])}</title></line>"
        )
    for line in reversed(lines):
        marks += _drawn(line, axes)
    width, height = _LEFT + _WIDTH + _RIGHT, _TOP + _HEIGHT + _BELOW
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" role="img" '
        f'aria-label="{escape(y_name)} by {escape(x_name)}">{"".join(marks)}</svg>'
    )


def legend(entries: Sequence[tuple[int, str, str]]) -> str:
    """What the colours mean: colour, name, words."""
    rows = "".join(
        f'<li><svg width="34" height="10" aria-hidden="true"><line class="line s{colour}" x1="0" '
        f'x2="34" y1="5" y2="5"/></svg><b>{escape(name)}</b> '
        f'<span class="soft">{escape(words)}</span></li>'
        for colour, name, words in entries
    )
    return f'<ul class="legend">{rows}</ul>'


@dataclass(frozen=True, slots=True)
class _Axes:
    right: float
    bottom: float
    top: float

    def x(self, value: float) -> float:
        return _LEFT + value / self.right * _WIDTH

    def y(self, value: float) -> float:
        kept = min(max(value, self.bottom), self.top)
        return _TOP + (self.top - kept) / (self.top - self.bottom) * _HEIGHT

    def grid(self, x_name: str, y_name: str) -> str:
        parts = []
        left, right, low = self.x(0), self.x(self.right), self.y(self.bottom)
        for at in _ticks(0, self.right):
            x = self.x(at)
            parts.append(
                f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{low}" y2="{_TOP}"/>'
                f'<text x="{x:.1f}" y="{low + 16}" text-anchor="middle">{at:,.5g}</text>'
            )
        for at in _ticks(self.bottom, self.top):
            y = self.y(at)
            parts.append(
                f'<line class="grid" x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>'
                f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{100 * at:.4g}%</text>'
            )
        middle = (low + _TOP) / 2
        parts.append(
            f'<text x="{(left + right) / 2}" y="{low + 36}" text-anchor="middle">'
            f"{escape(x_name)}</text>"
            f'<text transform="translate(12,{middle}) rotate(-90)" text-anchor="middle">'
            f"{escape(y_name)}</text>"
        )
        return "".join(parts)


def _drawn(line: Line, axes: _Axes) -> list[str]:
    middle = [f"{axes.x(x):.1f},{axes.y(y):.1f}" for x, y in zip(line.x, line.y, strict=True)]
    upper = [f"{axes.x(x):.1f},{axes.y(y):.1f}" for x, y in zip(line.x, line.high, strict=True)]
    lower = [f"{axes.x(x):.1f},{axes.y(y):.1f}" for x, y in zip(line.x, line.low, strict=True)]
    title = f"<title>{escape(line.name)}</title>"
    end = middle[-1].split(",")
    return [
        f'<polygon class="band s{line.colour}" points="{" ".join(upper + lower[::-1])}"/>',
        f'<polyline class="line s{line.colour}" points="{" ".join(middle)}">{title}</polyline>',
        f'<circle class="s{line.colour}" cx="{end[0]}" cy="{end[1]}" r="3">{title}</circle>',
    ]


def _ticks(low: float, high: float) -> list[float]:
    """About five round numbers from low to high."""
    rough = (high - low) / 5
    magnitude = 10.0 ** _exponent(rough)
    step = next(each * magnitude for each in _STEPS if each * magnitude >= rough * 0.999)
    first = -(-low // step)
    count = int((high - first * step) / step + 1e-9)
    return [round((first + i) * step, 10) for i in range(count + 1)]


def _exponent(value: float) -> int:
    exponent = 0
    while 10.0 ** (exponent + 1) <= value:
        exponent += 1
    while 10.0**exponent > value:
        exponent -= 1
    return exponent
