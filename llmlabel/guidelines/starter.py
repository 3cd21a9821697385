"""The text of a new guideline file: complete, readable, and yours to rewrite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from llmlabel.domain.answer import Kind
from llmlabel.guidelines.adhoc import QUESTIONS, humanised

_QUESTIONS: dict[Kind, str] = {
    "choice": "Which of these labels fits the text?",
    "spans": "Which words of the text name something of these kinds?",
    "tokens": "Which tag does each word of the sentence have?",
    "transcript": "What is said in the recording?",
}


def starter(
    name: str, version: str, kind: Kind, labels: Sequence[str], *, in_use: bool = False
) -> str:
    """A guideline file that can be used at once; its words are there to be replaced.

    Labels that are in use say something by themselves: a model is shown their names, the
    question that `from_labels` asks, and no invented example.

    Args:
        name: The name of the task, which is also its folder.
        version: Usually 1.0.0.
        kind: What an answer is.
        labels: Two or more for a choice, one or more for spans and tokens, none for a transcript.
        in_use: The labels are those of a data file.
    """
    front: dict[str, Any] = {
        "name": name,
        "version": version,
        "kind": kind,
        "title": humanised(name).capitalize(),
        "question": QUESTIONS[kind] if in_use else _QUESTIONS[kind],
    }
    if labels:
        front["labels"] = [
            {
                "name": label,
                "definition": humanised(label)
                if in_use
                else f"what counts as {humanised(label)}, in one line",
            }
            for label in labels
        ]
    front["labelers"] = [{"name": "whisper" if kind == "transcript" else "llm"}]
    if kind != "transcript":
        front["prompt"] = f"{kind}@1.0.0"
    front["policy"] = {"threshold": 0.8}
    prefix = "".join(char for char in name.upper() if char.isalnum())[:6]
    if in_use:
        front["examples"] = []
    elif kind == "choice":
        front["examples"] = [
            {"id": f"e{number:02}", "text": f"A text that is {humanised(label)}.", "label": label}
            for number, label in enumerate(labels, start=1)
        ]
    elif kind in ("spans", "tokens"):
        front["examples"] = [
            {
                "id": f"e{number:02}",
                "text": f"This sentence holds one word of the kind {humanised(label)}: sample.",
                "spans": [{"quote": "sample", "label": label}],
            }
            for number, label in enumerate(labels, start=1)
        ]
    written = yaml.safe_dump(front, sort_keys=False, allow_unicode=True, width=100)
    sections = "".join(
        f"\n### `{label}`\n\nWhat belongs here, in two or three sentences.\n\n"
        "- Right: a text that belongs here.\n- Wrong: one that seems to, and which label it has.\n"
        for label in labels
    )
    return (
        f"---\n{written}---\n\n# {front['title']}\n\n"
        "What is decided here, for somebody who has never done it: what to read, what to ask,\n"
        "and in which order.\n"
        + (f"\n## Labels\n{sections}" if labels else "")
        + "\n## Clauses\n\n"
        f"- **{prefix}-1**: An edge case, and what to do with it. Number the clauses;\n"
        "  examples and gold cases name them.\n"
    )
