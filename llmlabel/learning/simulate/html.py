"""A simulation as one page that needs nothing from anywhere."""

from __future__ import annotations

from html import escape
from pathlib import Path

from llmlabel.evaluation.html import page, table
from llmlabel.learning.simulate.plots import STYLE, Line, legend, lines_plot
from llmlabel.learning.simulate.policies import POLICIES
from llmlabel.learning.simulate.report import Band, SimulationReport

_WHY = {
    "gold": "nothing was certified yet",
    "audit": "accepted, and drawn for a blind check",
    "doubt": "below the threshold, or drawn by the policy",
    "forced": "after the gate closed, or everything by the policy",
    "breach": "accepted before a breach was found, and recalled",
}
_LEAST_SHOWN = 0.1
"""Of the accuracy axis: so much is shown, or more where curves go lower."""


def write_simulation(report: SimulationReport, folder: Path) -> tuple[Path, Path]:
    """Write `report.json` and `report.html` into the folder, which is made where missing."""
    folder.mkdir(parents=True, exist_ok=True)
    as_json, as_html = folder / "report.json", folder / "report.html"
    as_json.write_text(report.model_dump_json(indent=2) + "\n", encoding="utf-8")
    as_html.write_text(render_simulation(report), encoding="utf-8")
    return as_json, as_html


def render_simulation(report: SimulationReport) -> str:
    """The whole page."""
    title = f"Simulation: {report.name} · {report.guideline} · {report.promise}"
    made = report.created_at.strftime("%Y-%m-%d %H:%M UTC")
    earlier = (
        f"{report.history:,} verified documents of an earlier stream"
        if report.history
        else "nothing verified before the stream began"
    )
    body = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="sub">{report.n:,} documents in {report.orders} random orders, {earlier}; '
        f"{made}; guideline sha256 {escape(report.guideline_sha256[:12])}</p>",
        f"<p><b>{escape(report.sentence)}</b></p>",
        *(f'<p class="note">{escape(note)}</p>' for note in report.notes),
        _results(report),
        _curves(report),
        _reasons(report),
        _made_by(report),
    ]
    return page(title, body, STYLE)


def _results(report: SimulationReport) -> str:
    heads = [
        "policy",
        "human decisions",
        "saved",
        "delivered accuracy",
        "accepted unseen",
        "of those wrong",
        "promise broken",
        "model calls saved",
    ]
    rows = [
        [
            f"<b>{escape(name)}</b><br><small>{escape(found.what)}</small>",
            f"{found.human_decisions:,.1f}",
            f"{found.saved:.1%}",
            f"{found.delivered_accuracy:.2%}",
            f"{found.coverage:.1%}",
            "–" if found.accepted_error is None else f"{found.accepted_error:.2%}",
            f"{found.violations} of {found.orders}",
            f"{found.llm_calls_saved / report.n:.0%}",
        ]
        for name, found in report.policies.items()
    ]
    return "<h2>Policies</h2>" + table(heads, rows, numbers=set(range(1, 8)))


def _curves(report: SimulationReport) -> str:
    lowest = min(min(curve.accuracy.low) for curve in report.curves.values())
    # Within the first documents an accuracy is hardly a number; they do not set the scale.
    settled = min(min(c.accuracy.mean[len(c.documents) // 5 :]) for c in report.curves.values())
    bottom = max(lowest, min(1 - _LEAST_SHOWN, settled - 0.02), 0.0)
    bottom = int(bottom * 50) / 50
    limit = None
    if report.promise.kind == "delivered":
        limit = (1 - report.promise.error, f"promised: {1 - report.promise.error:.1%} right")
    spent = "human decisions so far"
    figures = [
        (
            "Accuracy of what was delivered; the dashed line is the promise"
            if limit
            else "Accuracy of what was delivered",
            lines_plot(
                _lines(report, "accuracy"),
                spent,
                "share of delivered labels that are right",
                y_range=(bottom, 1.0),
                limit=limit,
            ),
        ),
        (
            "Coverage: accepted without a person",
            lines_plot(_lines(report, "coverage"), spent, "share of documents so far"),
        ),
        ("Progress", lines_plot(_lines(report, "documents"), spent, "share of the stream labeled")),
    ]
    drawn = "".join(
        f"<figure><figcaption>{escape(name)}</figcaption>{plot}</figure>" for name, plot in figures
    )
    key = legend([(i, name, POLICIES[name]) for i, name in enumerate(report.curves)])
    return (
        "<h2>Curves</h2><p>Mean over the orders; the bands hold the middle 80% of them.</p>"
        f'{key}<div class="plots">{drawn}</div>'
    )


def _lines(report: SimulationReport, what: str) -> list[Line]:
    lines = []
    for colour, (name, curve) in enumerate(report.curves.items()):
        if what == "documents":
            shares = tuple(count / report.n for count in curve.documents)
            band = Band(mean=shares, low=shares, high=shares)
        else:
            band = getattr(curve, what)
        lines.append(Line(name, colour, curve.human.mean, band.mean, band.low, band.high))
    return lines


def _reasons(report: SimulationReport) -> str:
    rows = [
        [
            escape(name),
            escape(words),
            *(f"{p.reasons[name]:,.1f}" for p in report.policies.values()),
        ]
        for name, words in _WHY.items()
    ]
    heads = ["", "why a person decided", *map(escape, report.policies)]
    return "<h2>Human decisions by reason</h2>" + table(
        heads, rows, numbers=set(range(2, 2 + len(report.policies)))
    )


def _made_by(report: SimulationReport) -> str:
    rows = [[escape(name), escape(value)] for name, value in report.options.items()]
    rows += [["models", escape(", ".join(report.models))]] if report.models else []
    rows += [[f"seconds for {escape(k)}", f"{v:.1f}"] for k, v in report.seconds.items()]
    return "<h2>Made by</h2>" + table(["", ""], rows)
