"""The guideline an evaluation runs: as it is, with the data's own labels, with more examples."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Sequence
from random import Random

from llmlabel.domain.answer import ChoiceAnswer, SpansAnswer
from llmlabel.domain.guideline import Example, Guideline
from llmlabel.errors import InvalidInput
from llmlabel.evaluation.cases import Case, CaseFile
from llmlabel.evaluation.label_map import LabelMap
from llmlabel.guidelines import from_labels
from llmlabel.released import sha256_of_bytes


def guideline_for(
    data: CaseFile,
    guideline: Guideline | None,
    *,
    labels_from_data: bool = False,
    examples: Sequence[Example] = (),
) -> Guideline:
    """The task to evaluate.

    Args:
        data: The cases; all their labels count, whatever part is run.
        guideline: The guideline, or what to restrict to the data's labels.
        labels_from_data: Offer the labels of the data and no others.
        examples: Shown in place of the guideline's own.

    Raises:
        InvalidInput: Neither a guideline nor labels to make one of, or kinds differ.
    """
    if guideline is not None and guideline.kind != data.kind:
        raise InvalidInput(
            f"{guideline.ref} gives {guideline.kind}, the cases of {data.name} hold {data.kind}; "
            "choose a guideline of the same kind.",
            field="guideline",
        )
    if labels_from_data:
        known = list(guideline.label_names) if guideline else []
        ordered = [name for name in known if name in data.labels]
        ordered += [name for name in data.labels if name not in known]
        name = guideline.name if guideline else _guideline_name(data.name)
        made = from_labels(name, data.kind, ordered, base=guideline, examples=examples)
    elif guideline is None:
        raise InvalidInput(
            f"Name the guideline that {data.name} is scored with (--guideline), or let one be made "
            "of its labels (--labels-from-data).",
            field="guideline",
        )
    else:
        made = guideline
    return with_examples(made, examples) if examples else made


def with_examples(guideline: Guideline, examples: Sequence[Example]) -> Guideline:
    """The guideline with these examples in place of its own, all shown; its hash tells."""
    policy = guideline.policy.model_copy(
        update={"max_examples": max(guideline.policy.max_examples, len(examples))}
    )
    content = json.dumps(
        [guideline.sha256, [example.model_dump(mode="json") for example in examples]]
    )
    return guideline.model_copy(
        update={
            "examples": tuple(examples),
            "policy": policy,
            "sha256": sha256_of_bytes(content.encode()),
        }
    )


def pick_examples(
    source: CaseFile, evaluated: CaseFile, shots: int, label_map: LabelMap, *, seed: int = 0
) -> list[Example]:
    """Cases to show as examples, as evenly over the labels as they go.

    Args:
        source: The labeled file they come from, such as a training part.
        evaluated: What is scored; it may share no text with the source.
        shots: How many examples in all.
        label_map: Translates the data's labels to the guideline's.
        seed: Of the choice, so that it can be repeated.

    Raises:
        InvalidInput: The two share texts, are of different kinds, or hold fewer cases.
    """
    if source.kind != evaluated.kind or source.kind not in {"choice", "spans"}:
        raise InvalidInput(
            f"Examples can be taken for choice and spans, from a file of the same kind; "
            f"{source.name} holds {source.kind}, {evaluated.name} {evaluated.kind}.",
            field="examples",
        )
    scored = {case.document.text_sha256 for case in evaluated.cases if case.document}
    shared = [
        case for case in source.cases if case.document and case.document.text_sha256 in scored
    ]
    if shared:
        raise InvalidInput(
            f"{len(shared)} texts of the examples are among those evaluated (the first at "
            f"{shared[0].place}); take examples from another file, or the scores mean nothing.",
            field="examples",
        )
    if shots > len(source.cases):
        raise InvalidInput(
            f"{shots} examples asked for, {source.name} has {len(source.cases)}.", field="shots"
        )
    return [_example(case, label_map) for case in _balanced(source.cases, shots, Random(seed))]  # noqa: S311


def _balanced(cases: Sequence[Case], shots: int, random: Random) -> list[Case]:
    order = list(cases)
    random.shuffle(order)
    piles: dict[str, list[Case]] = defaultdict(list)
    for case in order:
        for label in dict.fromkeys(case.labels or ("",)):
            piles[label].append(case)
    chosen: dict[str, Case] = {}
    while len(chosen) < shots:
        before = len(chosen)
        for label in sorted(piles):
            while piles[label]:
                case = piles[label].pop()
                if case.id not in chosen:
                    chosen[case.id] = case
                    break
            if len(chosen) == shots:
                break
        if len(chosen) == before:
            break
    return list(chosen.values())


def _example(case: Case, label_map: LabelMap) -> Example:
    text = case.document.text if case.document else ""
    if isinstance(case.gold, ChoiceAnswer):
        return Example(id=case.id, text=text, label=label_map.guideline_label(case.gold.label))
    spans = case.gold.spans if isinstance(case.gold, SpansAnswer) else ()
    renamed = tuple(
        span.model_copy(update={"label": label_map.guideline_label(span.label)})
        for span in spans
        if label_map.gold(span.label) is not None
    )
    return Example(id=case.id, text=text, spans=renamed)


def _guideline_name(name: str) -> str:
    cleaned = re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-_")[:64]
    return cleaned if re.match(r"[a-z]", cleaned) else f"data-{cleaned}"[:64]
