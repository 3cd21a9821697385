"""The worked examples of a guideline as the turns of a chat."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import NamedTuple

from llmlabel.domain.guideline import Example, Guideline

NOTHING = "none"
"""The answer of the `verify` prompt for words that are no span of the guideline."""


class Turn(NamedTuple):
    """One worked example: a document, what is marked in it, and the right answer."""

    text: str
    mark: tuple[int, int] | None
    answer: str


def shown_examples(
    guideline: Guideline, labels: Sequence[str] | None = None, limit: int | None = None
) -> tuple[Example, ...]:
    """The examples that a prompt shows, in the order of the file.

    Of a choice those whose label is offered. Where there are more than `limit`, every label
    keeps as equal a share as can be, its first examples first.

    Args:
        guideline: Whose examples.
        labels: The labels offered; by default all.
        limit: How many at most; by default the policy's `max_examples`.
    """
    limit = guideline.policy.max_examples if limit is None else limit
    offered = set(guideline.label_names if labels is None else labels)
    fitting = [each for each in guideline.examples if each.label is None or each.label in offered]
    if len(fitting) <= limit:
        return tuple(fitting)
    by_label: dict[str | None, list[Example]] = {}
    for example in fitting:
        by_label.setdefault(example.label, []).append(example)
    rounds = (each for row in zip_longest(*by_label.values()) for each in row if each is not None)
    kept = {example.id for example, _ in zip(rounds, range(limit), strict=False)}
    return tuple(example for example in fitting if example.id in kept)


def turns(name: str, examples: Iterable[Example]) -> Iterator[Turn]:
    """The turns of the examples as the prompt of that name asks for them.

    `choice`: the label. `spans`: JSON with every quote. `tokens`: one turn for each marked
    word. `verify`: one turn for each span, and one for a word that is none.
    """
    for example in examples:
        if name in ("tokens", "verify"):
            for span in example.spans or ():
                yield Turn(example.text, (span.start, span.end), span.label)
            stray = _stray_word(example) if name == "verify" else None
            if stray is not None:
                yield Turn(example.text, stray, NOTHING)
        elif example.spans is not None:
            yield Turn(example.text, None, spans_json(example))
        elif example.label is not None:
            yield Turn(example.text, None, example.label)


def spans_json(example: Example) -> str:
    """The entities of an example as the `spans` prompt wants them written."""
    entities = [
        {"quote": example.text[span.start : span.end], "label": span.label}
        for span in sorted(example.spans or (), key=lambda span: span.start)
    ]
    return json.dumps({"entities": entities}, ensure_ascii=False)


def _stray_word(example: Example) -> tuple[int, int] | None:
    """The likeliest mistake: a word outside every span, capitalised if there is one, longest."""
    outside = [
        match
        for match in re.finditer(r"[^\W\d_]{3,}", example.text)
        if all(
            match.end() <= span.start or span.end <= match.start() for span in example.spans or ()
        )
    ]
    if not outside:
        return None
    best = max(outside, key=lambda match: (match[0][0].isupper(), len(match[0])))
    return best.span()
