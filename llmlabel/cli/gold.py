"""`llmlabel gold`: right answers of a random sample, imported, listed and exported."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from math import ceil
from pathlib import Path
from typing import Annotated, Final, Literal

import typer
from rich.table import Table
from rich.text import Text

from llmlabel.bootstrap import Application, build
from llmlabel.cli.console import console, errors
from llmlabel.cli.gold_needed import needed
from llmlabel.cli.table import answer_words
from llmlabel.confidence.bounds import smallest_sample
from llmlabel.confidence.risk_control import default_delta, spend
from llmlabel.domain.gold import CERTIFY_SHARE
from llmlabel.domain.promise import Promise
from llmlabel.errors import InvalidInput, LlmlabelError
from llmlabel.learning.gold import gold_lines, import_gold
from llmlabel.settings import Settings
from llmlabel.store import GoldCount

app = typer.Typer(
    add_completion=False,
    help="Documents of a random sample whose right answer is known.",
    no_args_is_help=True,
)

FIT_FROM: Final = 50
"""Gold labels to fit on before anything useful is learned."""

_LABELS_SHOWN = 8

Chosen = Annotated[
    str | None,
    typer.Option(
        "--guideline", "-g", help="`sentiment` (its latest version) or `sentiment@1.0.0`."
    ),
]


@app.command("import")
def import_(
    file: Annotated[
        Path,
        typer.Argument(help="JSON lines with `text` and `label`, `entities` or `tokens`."),
    ],
    guideline: Annotated[
        str, typer.Option("--guideline", "-g", help="Under which the answers are right.")
    ],
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Import the good lines although others are bad.")
    ] = False,
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Take the file's answer where another was imported."),
    ] = False,
) -> None:
    """Import right answers: all lines, or none when one is bad.

    The documents must be a random sample of those to come: not the easy ones, not the doubted.
    """
    application = build(Settings())
    task = application.guidelines.get(guideline)
    done = import_gold(application.store, task, file, skip_bad=skip_bad, replace=replace)
    for problem in done.problems:
        errors.print(Text.assemble(("left out: ", "yellow"), problem), soft_wrap=True)
    parts = [f"{_counted(done.added, 'gold label')} imported for {task.ref}"]
    if done.replaced:
        parts.append(f"{done.replaced} of them instead of another answer")
    if done.known:
        parts.append(f"{done.known} known already")
    if done.repeats:
        parts.append(f"{_counted(done.repeats, 'repeated line')} of the same text")
    _say(", ".join(parts) + ".")
    _say_needed(application, task.ref, application.store.gold.counts(task.ref))


@app.command("list")
def list_(guideline: Chosen = None) -> None:
    """How much gold there is, for which use, and how much more is needed."""
    application = build(Settings())
    ref = application.guidelines.get(guideline).ref if guideline else None
    counts = application.store.gold.counts(ref)
    if not counts:
        _say_none(application, ref)
        return
    table = Table("guideline", "source", box=None, pad_edge=False)
    for column in ("fit", "certify"):
        table.add_column(column, justify="right")
    table.add_column("labels", overflow="fold")
    for (name, source), some in sorted(_by(counts).items()):
        n = {each.part: each.n for each in some}
        table.add_row(
            name, source, str(n.get("fit", 0)), str(n.get("certify", 0)), _labels_of(some)
        )
    console.print(table, highlight=False)
    for name in sorted({each.guideline for each in counts}):
        _say_needed(application, name, [each for each in counts if each.guideline == name])


@app.command()
def show(id: Annotated[str, typer.Argument(help="`g-…` imported, `r-…` of a review.")]) -> None:
    """One gold document with its right answer."""
    item = build(Settings()).store.gold.get(id)
    console.print(item.document.text, markup=False, highlight=False)
    if item.answer is None:
        console.print("No right answer exists.", style="red")
    else:
        console.print(answer_words(item.answer, item.document.text))
    by = "verdict of" if item.source == "verdict" else "import from"
    _say(
        f"{item.id}: {item.guideline}, document {item.document.id}, {by} {item.origin}, "
        f"{item.created_at:%Y-%m-%d}; {_use(item.part)}."
    )


@app.command()
def export(
    guideline: Chosen = None,
    part: Annotated[
        Literal["fit", "certify"] | None,
        typer.Option(help="Only what may fit, or only what certifies."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="A file instead of the standard output.")
    ] = None,
) -> None:
    """Gold as JSON lines that `gold import` and `eval` read."""
    application = build(Settings())
    ref = application.guidelines.get(guideline).ref if guideline else _only(application)
    items = application.store.gold.items(ref, part) if ref else []
    if not items:
        raise InvalidInput(
            f"There is no gold to export{f' for {ref}' if ref else ''}; "
            "`llmlabel gold import FILE --guideline NAME` imports some."
        )
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in gold_lines(items))
    if out is None:
        typer.echo(text, nl=False)
        return
    out.write_text(text, encoding="utf-8")
    _say(f"{_counted(text.count(chr(10)), 'gold label')} written: {out}")


app.command()(needed)


def _only(application: Application) -> str | None:
    refs = sorted({each.guideline for each in application.store.gold.counts()})
    if len(refs) > 1:
        raise InvalidInput(
            f"There is gold for {', '.join(refs)}; choose one with --guideline.",
            field="guideline",
        )
    return refs[0] if refs else None


def _say_none(application: Application, ref: str | None) -> None:
    _say(f"There is no gold{f' for {ref}' if ref else ''} yet.")
    name = ref.partition("@")[0] if ref else "sentiment"
    older = {each.guideline for each in application.store.gold.counts(name)} if ref else set()
    _say(
        "It is what certificates rest on: documents taken at random, with their right answers.\n"
        f"Import some: llmlabel gold import FILE --guideline {name}\n"
        "Verdicts on audited documents join it by themselves."
    )
    if older:
        one = sorted(older)[-1]
        _say(
            f"There is gold for {', '.join(sorted(older))}. Where its answers are right under "
            f"{ref} too: llmlabel gold export --guideline {one} --out gold.jsonl, then import it."
        )


def _say_needed(application: Application, ref: str, counts: Sequence[GoldCount]) -> None:
    n: dict[str, int] = defaultdict(int)
    for each in counts:
        n[each.part] += each.n
    promise = _promise(application, ref) or Promise(error=0.05)
    # What the first certification may spend of the probability to err; a later one has less.
    delta = spend(default_delta(promise), 1)
    needed = {"fit": FIT_FROM, "certify": smallest_sample(promise.error, delta)}
    shares = {"fit": 1 - CERTIFY_SHARE, "certify": CERTIFY_SHARE}
    short = max(ceil(max(0, needed[part] - n[part]) / shares[part]) for part in needed)
    have = f"{ref}: {n['fit']} to fit on, {n['certify']} to certify with"
    if short:
        _say(
            f"{have}; about {short} more until they are useful ({needed['fit']} to fit, and "
            f"{needed['certify']} to certify {promise} if none is wrong)."
        )
    else:
        _say(f"{have}. Next: llmlabel train {ref}, then llmlabel certify {ref}")


def _promise(application: Application, ref: str) -> Promise | None:
    try:
        return application.promise_for(application.guidelines.get(ref))
    except LlmlabelError:  # its file is gone; the gold is still there
        return None


def _by(counts: Sequence[GoldCount]) -> dict[tuple[str, str], list[GoldCount]]:
    groups: dict[tuple[str, str], list[GoldCount]] = defaultdict(list)
    for each in counts:
        groups[each.guideline, each.source].append(each)
    return groups


def _labels_of(counts: Sequence[GoldCount]) -> str:
    total: dict[str, int] = defaultdict(int)
    for each in counts:
        for name, n in each.labels.items():
            total[name or "no right answer"] += n
    ordered = sorted(total.items(), key=lambda pair: (-pair[1], pair[0]))
    words = [f"{name} {n}" for name, n in ordered[:_LABELS_SHOWN]]
    if len(ordered) > _LABELS_SHOWN:
        words.append(f"… {len(ordered) - _LABELS_SHOWN} more")
    return ", ".join(words)


def _use(part: str) -> str:
    return "certifies" if part == "certify" else "fits"


def _counted(n: int, what: str) -> str:
    return f"{n:,} {what}" if n == 1 else f"{n:,} {what}s"


def _say(text: str) -> None:
    console.print(text, highlight=False, markup=False, soft_wrap=True)
