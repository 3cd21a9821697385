"""Cases of two moods, a labeler of known mistakes on them, and what an evaluation makes of both."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from llmlabel.domain.answer import ChoiceAnswer
from llmlabel.evaluation.cases import load
from llmlabel.evaluation.report import Report
from llmlabel.evaluation.run import evaluate


def jsonl(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


CHOICES = [
    {"id": "1", "text": "good", "label": "positive", "clause": "T-1"},
    {"id": "2", "text": "bad", "label": "negative", "clause": "T-1"},
    {"id": "3", "text": "fine", "label": "positive"},
    {"id": "4", "text": "<b>poor</b> & worse", "label": "negative"},
    {"id": "5", "text": "silent", "label": "negative"},
]


def choice(text: str) -> Any:
    if text == "silent":
        return None, 0.0, ()
    answers = {"bad": ("negative", 0.9), "fine": ("positive", 0.6), "good": ("positive", 0.95)}
    label, confidence = answers.get(text, ("positive", 0.85))
    return ChoiceAnswer(label=label), confidence, ()


async def run_choices(tmp_path: Path, scripted: Any, guideline: Any, **more: Any) -> Report:
    data = load(str(jsonl(tmp_path / "c.jsonl", CHOICES)), [])
    return await evaluate(data, guideline(), scripted(choice), **more)
