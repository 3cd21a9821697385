"""Labels as a table that a person reads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.markup import escape
from rich.table import Table
from rich.text import Text

from llmlabel.cli.console import console
from llmlabel.domain.answer import (
    Answer,
    ChoiceAnswer,
    SpansAnswer,
    TokensAnswer,
    TranscriptAnswer,
)
from llmlabel.domain.label import Label, Route
from llmlabel.domain.promise import Promise

MAX_LABELS = 2000
"""Labels kept; a longer run says how many it left out and points to --out."""


class LabelTable:
    """Collects labels and prints them by document: task, label, confidence, route, makers."""

    def __init__(self) -> None:
        self._by_document: dict[str, list[Label]] = {}
        self._texts: dict[str, str] = {}
        self._models: dict[str, str] = {}
        self._promised: dict[tuple[str, Promise], str | None] = {}
        self._labels = 0

    def add(self, labels: Sequence[Label], texts: dict[str, str]) -> None:
        """Add labels; `texts` gives the text of each document id."""
        for label in labels:
            self._labels += 1
            if label.promise is not None:
                self._promised[label.guideline, label.promise] = label.certificate
            for opinion in label.opinions:
                self._models.setdefault(opinion.source.model, opinion.source.labeler)
            if self._labels <= MAX_LABELS:
                self._by_document.setdefault(label.document_id, []).append(label)
                self._texts[label.document_id] = texts.get(label.document_id, "")

    def print(self) -> None:
        """Print what was collected; nothing to show says so."""
        if self._labels == 0:
            console.print("Nothing was labeled.")
            return
        for id, labels in self._by_document.items():
            console.print(Text(" ".join(self._texts[id].split()) or id, style="bold"))
            console.print(self._rows(labels))
            console.print()
        if self._labels > MAX_LABELS:
            console.print(
                f"… and {self._labels - MAX_LABELS:,} more labels; use --out FILE to keep them all."
            )
        for (guideline, promise), certificate in self._promised.items():
            proof = f"proved by {certificate}" if certificate else "and nothing in force proves it"
            console.print(
                f"{guideline}: {promise} is promised, {proof}",
                style="dim" if certificate else "yellow",
                highlight=False,
                soft_wrap=True,
            )
        for model, labeler in self._models.items():
            console.print(f"[dim]{labeler}: {escape(model)}[/]", highlight=False)

    def _rows(self, labels: Sequence[Label]) -> Table:
        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column("task", width=9, no_wrap=True, style="dim")
        table.add_column("label", ratio=4, overflow="fold")
        table.add_column("confidence", width=4, justify="right")
        table.add_column("route, and why", ratio=4, overflow="fold")
        table.add_column("time", width=6, justify="right", style="dim")
        table.add_column("by", width=9, style="dim", overflow="fold")
        table.expand = True
        for label in labels:
            table.add_row(
                label.guideline.partition("@")[0],
                answer_words(label.answer, self._texts[label.document_id]),
                f"{label.confidence.value:.2f}" if label.confidence else "–",
                _route_words(label),
                _seconds(sum(opinion.source.seconds for opinion in label.opinions)),
                "+".join(dict.fromkeys(each.source.labeler for each in label.opinions)),
            )
        return table


def answer_words(answer: Answer | None, text: str) -> Text:
    """An answer in words, short enough for a cell."""
    match answer:
        case None:
            return Text("no answer", style="red")
        case ChoiceAnswer():
            return Text(answer.label, style="bold")
        case SpansAnswer(spans=()):
            return Text("no entities", style="dim")
        case SpansAnswer():
            return _joined((text[s.start : s.end], s.label) for s in answer.spans)
        case TokensAnswer():
            return _joined((text[t.start : t.end], t.label) for t in answer.tokens[:12])
        case TranscriptAnswer():
            return Text(answer.text or "no speech")


def _joined(parts: Iterable[tuple[str, str]]) -> Text:
    words = Text()
    for quote, label in parts:
        words.append(f"{' '.join(quote.split())}", style="bold").append(f"·{label} ", style="cyan")
    return words


def _route_words(label: Label) -> Text:
    if label.route is Route.ACCEPTED:
        return Text.assemble(("accepted", "green"), (f" ≥ {label.threshold:.2f}", "dim"))
    return Text.assemble(("review", "yellow"), (f" {label.reason}", "dim"))


def _seconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
