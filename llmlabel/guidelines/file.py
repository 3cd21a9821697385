"""From the bytes of a guideline file to a Guideline, or to a list of everything wrong with it."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from llmlabel.domain.answer import Kind, Span
from llmlabel.domain.document import check_text
from llmlabel.domain.guideline import Clause, Example, Guideline
from llmlabel.errors import InvalidGuideline, InvalidInput
from llmlabel.guidelines.body import read_clauses
from llmlabel.guidelines.frontmatter import (
    ExampleEntry,
    Finding,
    FrontMatter,
    Lines,
    QuoteEntry,
    Split,
    line_of,
    read_front_matter,
    split_file,
)
from llmlabel.released import Problem, did_you_mean, sha256_of_bytes

_LABELERS: dict[Kind, tuple[str, ...]] = {
    "choice": ("llm",),
    "spans": ("llm", "spacy"),
    "tokens": ("llm", "spacy"),
    "transcript": ("whisper",),
}
_FEWEST_LABELS: dict[Kind, int] = {"choice": 2, "spans": 1, "tokens": 1, "transcript": 0}


def read_guideline(path: Path) -> Guideline:
    """Read one file `<name>/<version>.md`.

    Raises:
        InvalidGuideline: It cannot be read; names every problem with its line and remedy.
    """
    guideline, problems = check_guideline(path)
    if guideline is None:
        raise InvalidGuideline("\n".join(str(problem) for problem in problems))
    return guideline


def check_guideline(path: Path) -> tuple[Guideline | None, list[Problem]]:
    """The guideline of a file, or None and all problems that keep it from being read."""
    try:
        content = path.read_bytes()
        text = content.decode("utf-8").replace("\r\n", "\n")
    except OSError as exc:
        return None, [Problem(path, None, f"cannot be read: {exc.strerror}")]
    except UnicodeDecodeError as exc:
        line = content[: exc.start].count(b"\n") + 1
        return None, [Problem(path, line, "not UTF-8; save the file as UTF-8")]
    guideline, findings = parse_guideline(
        text.removeprefix("\ufeff"), sha256_of_bytes(content), path.parent.name, path.stem
    )
    return guideline, [Problem(path, line, message) for line, message in findings]


def parse_guideline(
    text: str, sha256: str, name: str, version: str
) -> tuple[Guideline | None, list[Finding]]:
    """Make a guideline of a file's text; `name` and `version` are those of its path."""
    parts = split_file(text)
    if not isinstance(parts, Split):
        return None, [parts]
    front, lines, findings = read_front_matter(parts.front)
    clauses, more = read_clauses(parts.body, parts.body_line)
    if front is None:
        return None, findings + more
    examples, wrong = _examples(front, lines, clauses)
    findings = more + _check(front, lines, name, version) + wrong
    if findings:
        return None, findings
    fields = {key: getattr(front, key) for key in FrontMatter.model_fields if key != "examples"}
    guideline = Guideline(
        **fields, clauses=clauses, examples=examples, body=parts.body.strip(), sha256=sha256
    )
    return guideline, []


def _check(front: FrontMatter, lines: Lines, name: str, version: str) -> list[Finding]:
    """Everything about the front matter that its types alone cannot say."""
    found: list[Finding] = []
    if front.name != name:
        found.append((line_of(lines, ("name",)), f"`name` is `{front.name}`, the folder `{name}`"))
    if front.version != version:
        where = line_of(lines, ("version",))
        found.append((where, f"`version` is {front.version}, the file {version}.md"))
    fewest = _FEWEST_LABELS[front.kind]
    if len(front.labels) < fewest:
        where = line_of(lines, ("labels",))
        found.append((where, f"a guideline of kind {front.kind} needs {fewest} labels or more"))
    if front.kind == "transcript" and front.labels:
        found.append((line_of(lines, ("labels",)), "a transcript has no labels; remove them"))
    found += _check_labels(front, lines)
    for index, step in enumerate(front.labelers):
        where = line_of(lines, ("labelers", index))
        if step.name not in _LABELERS[front.kind]:
            able = ", ".join(f"`{labeler}`" for labeler in _LABELERS[front.kind])
            message = f"`{step.name}` cannot label kind {front.kind}; those that can: {able}"
            found.append((where, message))
        if step.name == "llm" and front.prompt is None:
            example = "tokens" if front.kind == "tokens" else front.kind
            found.append((where, f"the llm labeler needs a prompt; add `prompt: {example}@1.0.0`"))
    if front.labelers[0].when != "always":
        where = line_of(lines, ("labelers", 0))
        found.append((where, "the first labeler is always asked; set `when: always`"))
    return found


def _check_labels(front: FrontMatter, lines: Lines) -> list[Finding]:
    found: list[Finding] = []
    names: set[str] = set()
    mapped: dict[str, str] = {}
    for index, label in enumerate(front.labels):
        where = line_of(lines, ("labels", index, "name"))
        if not label.name.strip() or label.name != " ".join(label.name.split()):
            found.append((where, f"label {label.name!r}: no spaces around, no line breaks"))
        if label.name in names:
            found.append((where, f"label `{label.name}` is given twice; keep one"))
        names.add(label.name)
        if not label.definition.strip():
            found.append((where, f"label `{label.name}` has no definition; write one line"))
        for tag in label.spacy:
            if mapped.setdefault(tag, label.name) != label.name:
                message = f"spaCy's {tag} maps to `{mapped[tag]}` and `{label.name}`; keep one"
                found.append((line_of(lines, ("labels", index, "spacy")), message))
    return found


def _examples(
    front: FrontMatter, lines: Lines, clauses: tuple[Clause, ...]
) -> tuple[tuple[Example, ...], list[Finding]]:
    names = [label.name for label in front.labels]
    cited = {clause.id for clause in clauses}
    found: list[Finding] = []
    made: list[Example] = []
    twice = [key for key, n in Counter(entry.id for entry in front.examples).items() if n > 1]
    for index, entry in enumerate(front.examples):
        at = ("examples", index)
        if entry.id in twice:
            message = f"example id `{entry.id}` is used more than once; give each its own"
            found.append((line_of(lines, (*at, "id")), message))
        if entry.clause is not None and entry.clause not in cited:
            message = (
                f"example `{entry.id}` cites clause {entry.clause}, which the section "
                f"`## Clauses` does not define.{did_you_mean(entry.clause, sorted(cited))}"
            )
            found.append((line_of(lines, (*at, "clause")), message))
        try:
            check_text(entry.text)
        except InvalidInput as exc:
            found.append((line_of(lines, (*at, "text")), f"example `{entry.id}`: {exc.detail}"))
        wrong = _wrong_answer(front.kind, entry)
        if wrong:
            found.append((line_of(lines, at), f"example `{entry.id}`: {wrong}"))
            continue
        if entry.label is not None and entry.label not in names:
            message = f"example `{entry.id}` has the unknown label `{entry.label}`."
            hint = did_you_mean(entry.label, names) or f" Labels: {', '.join(names)}."
            found.append((line_of(lines, (*at, "label")), message + hint))
        spans: list[Span] = []
        for place, quote in enumerate(entry.spans or ()):
            span = locate(entry.text, quote, names, spans)
            if isinstance(span, Span):
                spans.append(span)
            else:
                where = line_of(lines, (*at, "spans", place))
                found.append((where, f"example `{entry.id}`: {span}"))
        spans.sort(key=lambda span: span.start)
        made.append(
            Example(
                id=entry.id,
                text=entry.text,
                label=entry.label,
                spans=None if entry.spans is None else tuple(spans),
                clause=entry.clause,
            )
        )
    return tuple(made), found


def _wrong_answer(kind: Kind, entry: ExampleEntry) -> str | None:
    if kind == "choice" and (entry.label is None or entry.spans is not None):
        return "an example of a choice has `label` and no `spans`"
    if kind in ("spans", "tokens") and (entry.spans is None or entry.label is not None):
        return "an example of spans or tokens has `spans` (`[]` for none) and no `label`"
    if kind == "transcript" and (entry.spans is not None or entry.label is not None):
        return "an example of a transcript has a text alone"
    return None


def locate(text: str, quote: QuoteEntry, labels: list[str], taken: list[Span]) -> Span | str:
    """The span of a quote in its text, or why it cannot be told.

    Whole words go before parts of words: `he` is the word in "the man he saw".
    """
    if quote.label not in labels:
        hint = did_you_mean(quote.label, labels) or f" Labels: {', '.join(labels)}."
        return f"unknown label `{quote.label}`.{hint}"
    starts = [match.start() for match in re.finditer(re.escape(quote.quote), text)]
    end = len(quote.quote)
    whole = [
        start
        for start in starts
        if not (text[start - 1 : start].isalnum() and quote.quote[0].isalnum())
        and not (text[start + end : start + end + 1].isalnum() and quote.quote[-1].isalnum())
    ]
    starts = whole or starts
    if not starts:
        return f"the quote {quote.quote!r} is not in its text; copy it letter by letter"
    if quote.occurrence is None and len(starts) > 1:
        return (
            f"the quote {quote.quote!r} occurs {len(starts)} times; "
            "say which one with `occurrence: 1`, 2, …"
        )
    if (quote.occurrence or 1) > len(starts):
        return f"the quote {quote.quote!r} occurs only {len(starts)} times in its text"
    start = starts[(quote.occurrence or 1) - 1]
    span = Span(start=start, end=start + end, label=quote.label)
    for other in taken:
        if other.start < span.end and span.start < other.end:
            return f"the quote {quote.quote!r} overlaps {text[other.start : other.end]!r}"
    return span
