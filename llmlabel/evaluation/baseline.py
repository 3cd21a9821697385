"""Accepted scores: an evaluation that falls behind them fails."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

from pydantic import Field, ValidationError

from llmlabel.domain.base import Value
from llmlabel.errors import InvalidInput
from llmlabel.evaluation.report import BaselineMiss, Report

LOWER_IS_BETTER = frozenset(
    {"wer", "wer_substitutions", "wer_deletions", "wer_insertions", "ece", "brier", "aurc"}
    | {"unit_ece"}
)
_KEPT = ("accuracy", "macro_f1", "span_f1_strict", "token_accuracy", "wer", "auroc")


class Baseline(Value):
    """What a suite must reach under one guideline version.

    `metrics` holds minimums, for error rates maximums. `models` says what they were measured
    with: other models may miss or beat them.
    """

    guideline: str
    split: str
    metrics: dict[str, float] = Field(min_length=1)
    models: tuple[str, ...] = ()


def find_baseline(folders: Sequence[Path], suite: str) -> Path | None:
    """The baseline of a suite, `<folder>/<suite>.json`; the first folder wins."""
    paths = [folder / f"{suite}.json" for folder in folders]
    return next((path for path in paths if path.is_file()), None)


def read_baseline(path: Path) -> Baseline:
    """Read a baseline.

    Raises:
        InvalidInput: The file cannot be read or has another form.
    """
    try:
        return Baseline.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as exc:
        raise InvalidInput(
            f"{path} is not a baseline ({exc}); write it anew with --update-baseline."
        ) from exc


def why_not_comparable(baseline: Baseline, report: Report) -> str | None:
    """Why the baseline says nothing about this run; None where it does."""
    if baseline.guideline != report.guideline:
        return f"it is about {baseline.guideline}, this run about {report.guideline}"
    if baseline.split != report.split:
        return f"it is about the {baseline.split} part, this run about {report.split}"
    return None


def missed(baseline: Baseline, report: Report) -> list[BaselineMiss]:
    """The metrics that are worse than the baseline; one that is undefined is missed."""
    found = []
    for metric, limit in baseline.metrics.items():
        value = report.metrics.get(metric)
        behind = value is None or (value > limit if metric in LOWER_IS_BETTER else value < limit)
        if behind:
            found.append(BaselineMiss(metric=metric, value=value, limit=limit))
    return found


def baseline_of(report: Report, margin: float = 0.02) -> Baseline:
    """A baseline a little below what was measured, so that only a real loss misses it.

    Args:
        report: What was measured.
        margin: How far the limits stand behind the scores, rounded away from them to 0.01.
    """
    limits = {}
    for metric in _KEPT:
        value = report.metrics.get(metric)
        if value is None or (metric == "auroc" and not _ranks_enough(report)):
            continue
        if metric in LOWER_IS_BETTER:
            limits[metric] = math.ceil(round((value + margin) * 100, 6)) / 100
        else:
            limits[metric] = max(0.0, math.floor(round((value - margin) * 100, 6)) / 100)
    return Baseline(
        guideline=report.guideline,
        split=report.split,
        metrics=limits,
        models=tuple(dict.fromkeys(use.model for use in report.models)),
    )


def _ranks_enough(report: Report) -> bool:
    """Whether there are ten right and ten wrong answers: a rank of fewer is mostly chance."""
    return min(report.wrong_total, report.n - report.wrong_total) >= 10


def write_baseline(path: Path, baseline: Baseline) -> None:
    """Write a baseline in whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(path.name + ".new")
    scratch.write_text(json.dumps(baseline.model_dump(mode="json"), indent=2) + "\n")
    scratch.replace(path)
