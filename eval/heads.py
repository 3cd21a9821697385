"""What heads trained on verified labels gain for parts of speech and entities, and what they cost.

`LLMLABEL_DATA=FOLDER python -m eval.heads` learns on the training file of each set
(`text/ud_ewt`, `text/uner_ewt`, `text/wikigold`) and reports on its test file, spaCy alone being
the labeler. The test file is looked at for the report only.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from llmlabel.confidence.unit_calibrator import scores_of
from llmlabel.domain.answer import Answer, SpansAnswer
from llmlabel.domain.guideline import Guideline, LabelDefinition
from llmlabel.domain.prediction import Prediction
from llmlabel.evaluation.cases import Case, load
from llmlabel.evaluation.label_map import LabelMap
from llmlabel.guidelines import GuidelineLibrary
from llmlabel.labelers.spacy_head import HeadedSpacyLabeler, under
from llmlabel.labelers.spacy_labeler import SpacyLabeler
from llmlabel.learning.losses import loss_of
from llmlabel.learning.unit_scores import unit_scores
from llmlabel.learning.units import LearnedUnits, learn_units
from llmlabel.models import ModelStore
from llmlabel.settings import Settings
from llmlabel.shipped import shipped_folder

MAPS = Path(__file__).parent / "maps"
SETS = {"ud_ewt": "pos", "uner_ewt": "ner", "wikigold": "ner"}


def main(words: Sequence[str] | None = None) -> int:
    """Learn and report; the numbers are written as JSON too."""
    parser = argparse.ArgumentParser(prog="python -m eval.heads", description=__doc__)
    parser.add_argument("sets", nargs="*", help=f"of {', '.join(SETS)} (default: all)")
    parser.add_argument("--limit", type=int, help="documents of each file (default: all)")
    parser.add_argument("--out", type=Path, default=Path("build/heads.json"))
    given = parser.parse_args(words)
    folder = os.environ.get("LLMLABEL_DATA")
    if folder is None:
        parser.error("set LLMLABEL_DATA to the folder of data sets")
    names = given.sets or list(SETS)
    made = asyncio.run(_all(names, Path(folder), given.limit))
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(made, indent=2) + "\n")
    print(f"\nReport: {given.out}")
    return 0


async def _all(names: Sequence[str], folder: Path, limit: int | None) -> dict[str, Any]:
    settings = Settings()
    spacy = SpacyLabeler(ModelStore(settings.models_folder).path("en_core_web_sm"))
    library = GuidelineLibrary([shipped_folder("guidelines")])
    made = {}
    for name in names:
        guideline = library.get(SETS[name])
        if (MAPS / f"{name}.yaml").exists():
            guideline = in_the_words_of_the_data(guideline, MAPS / f"{name}.yaml")
        train = load(str(folder / "text" / name / "train.jsonl"), []).cases[:limit]
        test = load(str(folder / "text" / name / "test.jsonl"), []).cases[:limit]
        made[name] = await _one(name, guideline, spacy, train, test)
    return made


def in_the_words_of_the_data(guideline: Guideline, path: Path) -> Guideline:
    """The guideline with the data's labels: each takes the spaCy labels of those it stands for."""
    names = LabelMap.read(path)
    spacy: dict[str, list[str]] = {}
    left: list[str] = list(guideline.spacy_ignored)
    for label in guideline.labels:
        theirs = names.predicted(label.name)
        (left if theirs is None else spacy.setdefault(theirs, [])).extend(label.spacy)
    labels = tuple(
        LabelDefinition(name=name, definition=name, spacy=tuple(tags))
        for name, tags in spacy.items()
    )
    return guideline.model_copy(update={"labels": labels, "spacy_ignored": tuple(left)})


async def _one(
    name: str,
    guideline: Guideline,
    spacy: SpacyLabeler,
    train: Sequence[Case],
    test: Sequence[Case],
) -> dict[str, Any]:
    seen = [case.document for case in train if case.document]
    fresh = [case.document for case in test if case.document]
    featured = await spacy.features(seen, guideline)
    began = time.process_time()
    learned = learn_units(
        seen, guideline, [[]] * len(seen), [case.gold for case in train], featured=featured
    )
    seconds = time.process_time() - began
    gold = [case.gold for case in test]
    alone = await spacy.predict(fresh, guideline, [()] * len(fresh))
    new = [under(each, learned.head) for each in await spacy.features(fresh, guideline)]
    rows = {
        "train, cross-fitted": _row(list(learned.combined), [c.gold for c in train], learned),
        "test, spaCy alone": _row(list(alone), gold, None),
        "test, with the head": _row(new, gold, learned),
    }
    if guideline.kind == "spans":
        rows["test, spans of spaCy"] = {"units": _proposals(list(alone), new, gold)}
    print(f"\n{name}: {len(seen)} documents to learn from, {len(fresh)} to test")
    print(f"learned in {seconds:.0f} CPU-seconds; tests: {json.dumps(_tests(learned))}")
    for title, row in rows.items():
        print(f"  {title:22s} {_words(row)}")
    speed = await _speed(spacy, learned, guideline, seen)
    print("  documents per CPU-second: " + ", ".join(f"{k} {v:.0f}" for k, v in speed.items()))
    return {**rows, "report": learned.report, "cpu_seconds": seconds, "speed": speed}


def _row(
    predictions: list[Prediction], gold: Sequence[Answer], learned: LearnedUnits | None
) -> dict[str, Any]:
    right = np.array(
        [1 - loss_of(p.answer, g, "exact") for p, g in zip(predictions, gold, strict=True)]
    )
    told = np.array([each.probability or 0.0 for each in predictions])
    row = {
        "units": unit_scores(predictions, gold),
        "documents": scores_of(told, right, np.ones(len(right))),
    }
    if learned is not None:
        same = predictions == list(learned.combined)
        sure = (
            learned.confidence
            if same
            else np.array([learned.calibrator.confidence(each) for each in predictions])
        )
        row["calibrated"] = scores_of(sure, right, np.ones(len(right)))
    return row


def _proposals(
    alone: list[Prediction], new: list[Prediction], gold: Sequence[Answer]
) -> dict[str, float | None]:
    """What the head says of every span that spaCy proposed, whatever the head made of it."""
    judged = []
    for old, after in zip(alone, new, strict=True):
        proposed = {(u.start, u.end, u.label) for u in old.units if u.kept}
        judged.append(
            after.model_copy(
                update={
                    "units": tuple(
                        unit.model_copy(update={"kept": True})
                        for unit in after.units
                        if (unit.start, unit.end, unit.label) in proposed
                    ),
                    "answer": SpansAnswer(),
                }
            )
        )
    return unit_scores(judged, gold)


def _tests(learned: LearnedUnits) -> dict[str, Any]:
    tests = learned.report.get("head", {}).get("tests", {})
    return {
        name: {key: round(test[key], 5) for key in ("before", "after", "p_value")}
        for name, test in tests.items()
    }


def _words(row: dict[str, Any]) -> str:
    parts = []
    for part, scores in row.items():
        shown = ", ".join(
            f"{key} {scores[key]:.3f}"
            for key in ("n", "accuracy", "recall", "f1", "auroc", "ece", "brier")
            if scores.get(key) is not None and key != "n"
        )
        parts.append(f"{part}: {shown}")
    return " | ".join(parts)


async def _speed(
    spacy: SpacyLabeler, learned: LearnedUnits, guideline: Guideline, documents: Sequence[Any]
) -> dict[str, float]:
    async def rate(predict: Callable[..., Awaitable[Any]]) -> float:
        some = list(documents[:500])
        began = time.process_time()
        for start in range(0, len(some), 64):
            batch = some[start : start + 64]
            await predict(batch, guideline, [()] * len(batch))
        return len(some) / (time.process_time() - began)

    speed = {"spaCy alone": await rate(spacy.predict)}
    if learned.head is not None:
        speed["with the head"] = await rate(HeadedSpacyLabeler(spacy, learned.head).predict)
    return speed


if __name__ == "__main__":
    sys.exit(main())
