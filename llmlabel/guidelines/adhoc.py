"""Guidelines made on the spot, from the labels of a data file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence

from llmlabel.domain.answer import Kind
from llmlabel.domain.guideline import (
    TRIM_RULES,
    Example,
    Guideline,
    LabelDefinition,
    LabelerStep,
    Policy,
)
from llmlabel.errors import InvalidInput
from llmlabel.released import sha256_of_bytes

MADE_VERSION = "0.0.0"

QUESTIONS: dict[Kind, str] = {
    "choice": "Which label describes the text best?",
    "spans": "Which words of the text name something of one of these kinds?",
    "tokens": "Which tag does each word have in this sentence?",
    "transcript": "What is said in the recording?",
}
"""What is asked where only the labels are known."""


def from_labels(
    name: str,
    kind: Kind,
    labels: Iterable[str],
    base: Guideline | None = None,
    examples: Sequence[Example] = (),
) -> Guideline:
    """A guideline that offers exactly these labels.

    With a `base`, its question, clauses, labelers and policy are kept, its definitions where
    the names match (in any case), and its examples as far as their labels are offered.
    Without one, a definition is the label's name in words.

    Args:
        name: What to call it; its version is 0.0.0, its hash that of its content.
        kind: What an answer is; that of the base where there is one.
        labels: In the order to offer them; repeats count once.
        base: The guideline to restrict.
        examples: Shown instead of the base's.

    Raises:
        InvalidInput: Too few labels, a label that is empty, or a base of another kind.
    """
    names = list(dict.fromkeys(labels))
    if any(not label.strip() for label in names):
        raise InvalidInput("A label is empty; every label needs a name.", field="labels")
    if kind == "choice" and len(names) < 2:
        raise InvalidInput("A choice needs two different labels or more.", field="labels")
    if base is not None and base.kind != kind:
        raise InvalidInput(
            f"The guideline {base.ref} is of kind {base.kind}, not {kind}.", field="guideline"
        )
    known = {label.name.casefold(): label for label in base.labels} if base else {}
    offered = tuple(_definition(label, known.get(label.casefold())) for label in names)
    shown = tuple(examples) or _restricted(base, names)
    fields = {
        "name": name,
        "version": MADE_VERSION,
        "kind": kind,
        "title": base.title if base else humanised(name).capitalize(),
        "question": base.question if base else QUESTIONS[kind],
        "labels": offered,
        "labelers": base.labelers if base else _labelers(kind),
        "prompt": base.prompt if base else None if kind == "transcript" else f"{kind}@1.0.0",
        "policy": base.policy if base else Policy(threshold=0.9),
        "spacy_ignored": base.spacy_ignored if base else (),
        "trim": base.trim if base else TRIM_RULES,
        "clauses": base.clauses if base else (),
        "examples": shown,
        "body": base.body if base else "",
    }
    draft = Guideline.model_validate({**fields, "sha256": ""})
    content = json.dumps(draft.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)
    return draft.model_copy(update={"sha256": sha256_of_bytes(content.encode())})


def humanised(label: str) -> str:
    """A label's name in words: `card_arrival` and `CardArrival` become "card arrival"."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", label)
    words = re.sub(r"[_\-./:+\s]+", " ", words).strip()
    return (words if label.isupper() and " " not in words else words.lower()) or label


def _definition(label: str, known: LabelDefinition | None) -> LabelDefinition:
    if known is not None:
        return known.model_copy(update={"name": label})
    return LabelDefinition(name=label, definition=humanised(label))


def _restricted(base: Guideline | None, names: list[str]) -> tuple[Example, ...]:
    """The base's examples under the names offered, without labels that are not."""
    if base is None:
        return ()
    offered = {label.casefold(): label for label in names}
    kept = []
    for example in base.examples:
        if example.label is not None:
            if example.label.casefold() not in offered:
                continue
            renamed = offered[example.label.casefold()]
            kept.append(example.model_copy(update={"label": renamed}))
        elif example.spans is not None:
            spans = tuple(
                span.model_copy(update={"label": offered[span.label.casefold()]})
                for span in example.spans
                if span.label.casefold() in offered
            )
            kept.append(example.model_copy(update={"spans": spans}))
        else:
            kept.append(example)
    return tuple(kept)


def _labelers(kind: Kind) -> tuple[LabelerStep, ...]:
    return (LabelerStep(name="whisper" if kind == "transcript" else "llm"),)
