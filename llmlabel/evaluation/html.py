"""A report as one page that needs nothing from anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from llmlabel.evaluation import svg
from llmlabel.evaluation.report import Report

_WORDS = {
    "accuracy": "share of answers that are right",
    "macro_f1": "mean F1 over the labels",
    "span_f1_strict": "F1 of spans; start, end and label must agree",
    "span_precision": "share of the proposed spans that are right",
    "span_recall": "share of the gold spans that were found",
    "span_f1_overlap": "F1 of spans that share a character, whatever the label",
    "token_accuracy": "share of gold tokens labeled right; one cut otherwise is wrong",
    "token_accuracy_aligned": "the same, over tokens cut as in the gold",
    "token_alignment": "share of gold tokens cut as in the gold",
    "exact_match": "share of documents right as a whole",
    "wer": "word errors per word of the reference; lower is better",
    "silence_kept_empty": "share of recordings without speech that gave no text",
    "ece": "gap between confidence and accuracy; lower is better",
    "brier": "squared gap between confidence and being right; lower is better",
    "auroc": "how often a right answer is more confident than a wrong one; 0.5 is chance",
    "aurc": "mean share wrong over all thresholds; lower is better",
    "unit_auroc": "AUROC of the confidence of single spans or tokens",
    "unit_ece": "calibration error of single spans or tokens",
    "coverage": "share accepted at the guideline's threshold",
    "accepted_accuracy": "share of the accepted that is right",
    "clause_coverage": "share of the guideline's clauses that a case tests",
}

_STYLE = """
:root{color-scheme:light dark;--ink:#1d2329;--soft:#5b6670;--page:#fdfdfc;--line:#d9dde1;
--a:#2563a8;--good:#2f7d4f;--bad:#b3452c}
@media(prefers-color-scheme:dark){:root{--ink:#e6e8ea;--soft:#9aa5af;--page:#15181b;--line:#343b42;
--a:#6fa8e6;--good:#63b585;--bad:#e08a72}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--page);max-width:76rem;
margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem;margin-bottom:.2rem}h2{font-size:1.1rem;margin-top:2.2rem}
p.sub,small,.soft{color:var(--soft)}
table{border-collapse:collapse;margin:.5rem 0}td,th{padding:.25rem .8rem .25rem 0;text-align:left;
border-bottom:1px solid var(--line);vertical-align:top}td.n,th.n{text-align:right;
font-variant-numeric:tabular-nums}.plots{display:flex;flex-wrap:wrap;gap:1.5rem}figure{margin:0}
figcaption{font-weight:600}.wide{overflow-x:auto}svg{max-width:100%;height:auto}
svg text{font:11px system-ui,sans-serif;fill:var(--soft)}svg text.n,svg text.name{fill:var(--ink)}
.grid{stroke:var(--line);stroke-width:.6}.guide{stroke:var(--soft);stroke-dasharray:4 4;fill:none}
.curve{stroke:var(--a);stroke-width:2;fill:none}.bar{fill:var(--a);fill-opacity:.25}.dot{fill:var(--a)}
.mark{fill:none;stroke:var(--bad);stroke-width:2}rect.good{fill:var(--good)}rect.bad{fill:var(--bad)}
td.text{white-space:pre-wrap;overflow-wrap:anywhere;max-width:34rem}
.note{border-left:3px solid var(--bad);padding-left:.8rem}
"""


def write_report(report: Report, folder: Path) -> tuple[Path, Path]:
    """Write `report.json` and `report.html` into the folder, which is made where missing."""
    folder.mkdir(parents=True, exist_ok=True)
    as_json, as_html = folder / "report.json", folder / "report.html"
    as_json.write_text(report.model_dump_json(indent=2) + "\n", encoding="utf-8")
    as_html.write_text(render_html(report), encoding="utf-8")
    return as_json, as_html


def render_html(report: Report) -> str:
    """The whole page; every text of a case is escaped."""
    title = f"{report.suite} ({report.split}) · {report.guideline}"
    made = report.created_at.strftime("%Y-%m-%d %H:%M UTC")
    body = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="sub">{report.n} cases, {report.failures} without an answer, {made}; '
        f"guideline sha256 {escape(report.guideline_sha256[:12])}</p>",
        *(f'<p class="note">{escape(note)}</p>' for note in report.notes),
        _metrics(report),
        _plots(report),
        _labels(report),
        _clauses(report),
        _wrong(report),
        _made_by(report),
    ]
    return page(title, body)


def page(title: str, body: Iterable[str], style: str = "") -> str:
    """A page in the house's style, light or dark, that needs nothing from anywhere.

    Args:
        title: Plain text.
        body: HTML, what is not ours escaped.
        style: More CSS.
    """
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}{style}</style></head>"
        f"<body>{''.join(body)}</body></html>\n"
    )


def _metrics(report: Report) -> str:
    rows = [
        [escape(name), _number(value), escape(_WORDS.get(name, ""))]
        for name, value in report.metrics.items()
    ]
    speed = report.throughput
    rows.append(["documents per second", f"{speed.documents_per_second:.2f}", ""])
    if speed.audio_seconds_per_second is not None:
        audio = f"{speed.audio_seconds_per_second:.2f}"
        rows.append(["audio seconds per second", audio, "times real time"])
    cost = "not known" if report.cost_usd is None else f"${report.cost_usd:.4f}"
    rows.append(["cost", cost, "of all calls to providers"])
    below = []
    if (interval := report.interval) is not None:
        below.append(
            f"{interval.metric}: {interval.level:.0%} interval {interval.low:.3f} to "
            f"{interval.high:.3f} (bootstrap over documents)."
        )
    if (point := report.suggested_threshold) is not None:
        below.append(
            f"Lowest threshold at which {point.target or 0:.0%} of the accepted are right here: "
            f"{point.threshold:.4f} (accepts {point.coverage:.1%}; lower 95% bound of their "
            f"accuracy {point.lower:.3f}). The guideline's threshold is {report.threshold:g}."
        )
    text = "".join(f"<p>{escape(line)}</p>" for line in below)
    return "<h2>Scores</h2>" + table(["", "", ""], rows, numbers={1}) + text


def _plots(report: Report) -> str:
    curves, figures = report.curves, []
    if curves.reliability:
        figures.append(("Reliability", svg.reliability_diagram(curves.reliability)))
    if curves.risk_coverage:
        plot = svg.risk_coverage_plot(curves.risk_coverage, report.threshold)
        figures.append(("Risk and coverage; the ring is the guideline's threshold", plot))
    if curves.precision_recall:
        plot = svg.precision_recall_plot(curves.precision_recall)
        figures.append(("Precision and recall as the threshold falls", plot))
    made = "".join(
        f"<figure><figcaption>{escape(name)}</figcaption>{plot}</figure>" for name, plot in figures
    )
    return f'<h2>Confidence</h2><div class="plots">{made}</div>' if made else ""


def _labels(report: Report) -> str:
    if not report.per_label:
        return ""
    rows = [
        [
            escape(s.label),
            *map(_number, (s.precision, s.recall, s.f1)),
            str(s.gold),
            str(s.predicted),
        ]
        for s in report.per_label
    ]
    heads = ["label", "precision", "recall", "F1", "gold", "answered"]
    text = "<h2>Labels</h2>" + table(heads, rows, numbers={1, 2, 3, 4, 5})
    if report.confusion and report.confusion.labels:
        plot = svg.confusion_plot(report.confusion)
        text += f'<h2>Confusion: gold by row, answer by column</h2><div class="wide">{plot}</div>'
    return text


def _clauses(report: Report) -> str:
    if not report.clauses:
        return ""
    rows = [[escape(c.id), str(c.n), str(c.right), f"{c.right / c.n:.2f}"] for c in report.clauses]
    text = "<h2>Clauses</h2>" + table(["clause", "cases", "right", "share"], rows, {1, 2, 3})
    if report.clauses_untested:
        text += f"<p>Without a case: {escape(', '.join(report.clauses_untested))}</p>"
    return text


def _wrong(report: Report) -> str:
    if not report.wrong:
        return "<h2>Wrong answers</h2><p>None.</p>"
    rows = [
        [
            f"{escape(w.id)}<br><small>{escape(', '.join(w.clauses))}</small>",
            escape(w.text),
            escape(w.gold),
            escape("no answer" if w.answer is None else w.answer),
            _number(w.confidence),
            f"{'accepted' if w.accepted else 'review'}<br><small>{escape(w.reason)}</small>",
        ]
        for w in report.wrong
    ]
    of = f"{report.wrong_total}, the most confident first"
    if len(report.wrong) < report.wrong_total:
        of += f"; {len(report.wrong)} shown"
    heads = ["case", "text", "gold", "answer", "confidence", "route"]
    return (
        f"<h2>Wrong answers ({of})</h2>"
        f'<div class="wide">{table(heads, rows, numbers={4}, texts={1, 2, 3})}</div>'
    )


def _made_by(report: Report) -> str:
    rows = [
        [
            escape(use.labeler),
            escape(use.model),
            escape(use.prompt or ""),
            str(use.answers),
            str(use.failures),
            str(use.cached),
            f"{use.prompt_tokens + use.completion_tokens:,}",
            f"{use.seconds:.1f}",
        ]
        for use in report.models
    ]
    heads = ["labeler", "model", "prompt", "answers", "failures", "cached", "tokens", "seconds"]
    options = [[escape(name), escape(value)] for name, value in report.options.items()]
    text = "<h2>Made by</h2>" + table(heads, rows, numbers={3, 4, 5, 6, 7})
    return text + (table(["option", "value"], options) if options else "")


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def table(
    heads: Sequence[str],
    rows: Iterable[Sequence[str]],
    numbers: set[int] | None = None,
    texts: set[int] | None = None,
) -> str:
    """A table of HTML cells; columns of numbers are set to the right, of texts wrapped."""

    def kind(index: int) -> str:
        if index in (numbers or set()):
            return ' class="n"'
        return ' class="text"' if index in (texts or set()) else ""

    head = "".join(f"<th{kind(i)}>{name}</th>" for i, name in enumerate(heads))
    lines = "".join(
        "<tr>" + "".join(f"<td{kind(i)}>{cell}</td>" for i, cell in enumerate(row)) + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>"
