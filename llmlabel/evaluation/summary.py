"""From judged cases to a report."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime

import numpy as np

from llmlabel.confidence import reliability as r
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.prediction import Outcome, Prediction
from llmlabel.evaluation import metrics as m
from llmlabel.evaluation.cases import CaseFile
from llmlabel.evaluation.judging import Judged
from llmlabel.evaluation.report import (
    ClauseScore,
    Curve,
    Curves,
    ModelUse,
    ReliabilityBin,
    Report,
    Threshold,
    Throughput,
    WrongCase,
)
from llmlabel.evaluation.scores import scores_of

_WRONG_KEPT = 200
_TEXT_KEPT = 2000
_CURVE_POINTS = 300


def summarise(
    data: CaseFile,
    guideline: Guideline,
    judged: Sequence[Judged],
    *,
    seconds: float,
    audio_seconds: float,
    target: float,
    unscored: int,
    options: dict[str, str],
    created_at: datetime,
) -> Report:
    """Every score that applies to this kind of task; see `Report`."""
    scores = scores_of(data.kind, judged)
    confidence, right = _confidences(judged)
    accepted = [each for each in judged if each.accepted]
    failures = sum(each.said is None for each in judged)
    found = scores.metrics | _reliability(confidence, right)
    found["coverage"] = len(accepted) / len(judged)
    found["accepted_accuracy"] = (
        sum(each.right for each in accepted) / len(accepted) if accepted else None
    )
    units = [unit for each in judged for unit in each.units]
    unit_confidence = np.array([probability for probability, _ in units])
    unit_right = np.array([good for _, good in units], dtype=bool)
    if units:
        found["unit_auroc"] = _number(r.auroc(unit_confidence, unit_right))
        found["unit_ece"] = r.expected_calibration_error(unit_confidence, unit_right)
    clauses = _clauses(judged)
    ids = {clause.id for clause in guideline.clauses}
    if ids and clauses:
        found["clause_coverage"] = len(ids & {clause.id for clause in clauses}) / len(ids)
    models = _models(judged)
    point = r.suggest_threshold(confidence, right, target) if len(confidence) else None
    wrong = _wrong(judged)
    return Report(
        suite=data.name,
        split=data.split,
        files=data.paths,
        guideline=guideline.ref,
        guideline_sha256=guideline.sha256,
        kind=data.kind,
        threshold=guideline.policy.threshold,
        n=len(judged),
        failures=failures,
        unscored=unscored,
        options=options,
        created_at=created_at,
        seconds=seconds,
        metrics=found,
        interval=scores.interval,
        throughput=Throughput(
            documents_per_second=len(judged) / max(seconds, 1e-9),
            audio_seconds_per_second=audio_seconds / max(seconds, 1e-9) if audio_seconds else None,
        ),
        suggested_threshold=_threshold(point, target),
        notes=_notes(found, judged, failures, models, target if point is None else None),
        per_label=scores.per_label,
        confusion=scores.confusion,
        clauses=clauses,
        clauses_untested=tuple(sorted(ids - {clause.id for clause in clauses})) if clauses else (),
        models=models,
        cost_usd=_sum_costs(models),
        curves=_curves(confidence, right, unit_confidence, unit_right, scores.positives),
        wrong=wrong[:_WRONG_KEPT],
        wrong_total=len(wrong),
    )


def _confidences(judged: Sequence[Judged]) -> tuple[r.Floats, r.Bools]:
    """Of the answers that have one: where nothing was answered, nothing was estimated."""
    stated = [(each.confidence, each.right) for each in judged if each.confidence is not None]
    return np.array([c for c, _ in stated], float), np.array([right for _, right in stated], bool)


def _reliability(confidence: r.Floats, right: r.Bools) -> dict[str, float | None]:
    if len(confidence) == 0:
        return {"ece": None, "brier": None, "auroc": None, "aurc": None}
    return {
        "ece": r.expected_calibration_error(confidence, right),
        "brier": r.brier_score(confidence, right),
        "auroc": _number(r.auroc(confidence, right)),
        "aurc": r.aurc(confidence, right),
    }


def _number(value: float) -> float | None:
    return None if np.isnan(value) else value


def _clauses(judged: Sequence[Judged]) -> tuple[ClauseScore, ...]:
    seen: Counter[str] = Counter()
    good: Counter[str] = Counter()
    for each in judged:
        seen.update(each.case.clauses)
        good.update(each.case.clauses if each.right else ())
    return tuple(ClauseScore(id=id, n=n, right=good[id]) for id, n in sorted(seen.items()))


def _models(judged: Sequence[Judged]) -> tuple[ModelUse, ...]:
    groups: dict[tuple[str, ...], list[Prediction]] = defaultdict(list)
    for each in judged:
        for opinion in each.label.opinions if each.label else ():
            source = opinion.source
            key = (source.labeler, source.model, source.prompt or "", source.prompt_sha256 or "")
            groups[key].append(opinion)
    found = []
    for (labeler, model, prompt, prompt_sha256), opinions in sorted(groups.items()):
        costs = [opinion.source.cost_usd for opinion in opinions]
        known = [cost for cost in costs if cost is not None]
        found.append(
            ModelUse(
                labeler=labeler,
                model=model,
                prompt=prompt or None,
                prompt_sha256=prompt_sha256 or None,
                answers=sum(o.outcome is Outcome.ANSWERED for o in opinions),
                failures=sum(o.outcome is not Outcome.ANSWERED for o in opinions),
                cached=sum(o.source.cached for o in opinions),
                prompt_tokens=sum(o.source.prompt_tokens for o in opinions),
                completion_tokens=sum(o.source.completion_tokens for o in opinions),
                cost_usd=sum(known) if len(known) == len(costs) else None,
                seconds=sum(o.source.seconds for o in opinions),
            )
        )
    return tuple(found)


def _sum_costs(models: Sequence[ModelUse]) -> float | None:
    costs = [use.cost_usd for use in models]
    known = [cost for cost in costs if cost is not None]
    return sum(known) if len(known) == len(costs) else None


def _threshold(point: r.OperatingPoint | None, target: float) -> Threshold | None:
    if point is None:
        return None
    return Threshold(
        threshold=point.threshold,
        coverage=point.coverage,
        accuracy=point.accuracy,
        lower=point.lower,
        n=point.n,
        target=target,
    )


def _notes(
    found: dict[str, float | None],
    judged: Sequence[Judged],
    failures: int,
    models: Sequence[ModelUse],
    unreached: float | None,
) -> tuple[str, ...]:
    notes = []
    if failures:
        notes.append(
            f"{failures} of {len(judged)} cases got no answer. They count as wrong; having no "
            "confidence, they are not part of ECE, Brier score, AUROC and AURC."
        )
    if found.get("auroc") is None and found.get("ece") is not None:
        same = "right" if all(each.right for each in judged) else "wrong"
        notes.append(f"AUROC is not defined: all answers are {same}, so there is nothing to rank.")
    if found.get("accepted_accuracy") is None:
        notes.append("Nothing was accepted at the guideline's threshold; all goes to review.")
    if unreached is not None:
        notes.append(f"No threshold makes {unreached:.0%} of the accepted answers right.")
    asked = sum(use.answers + use.failures for use in models)
    cached = sum(use.cached for use in models)
    if cached:
        notes.append(
            f"{cached} of {asked} opinions came from the reply cache, so the throughput says "
            "little; set LLMLABEL_LLM_CACHE=false to measure it."
        )
    return tuple(notes)


def _curves(
    confidence: r.Floats,
    right: r.Bools,
    unit_confidence: r.Floats,
    unit_right: r.Bools,
    positives: int,
) -> Curves:
    if len(confidence) == 0:
        return Curves()
    bins = tuple(
        ReliabilityBin(
            low=b.low, high=b.high, n=b.n, confidence=b.mean_confidence, accuracy=b.accuracy
        )
        for b in r.reliability_bins(confidence, right)
    )
    risk = r.risk_coverage(confidence, right)
    units = (unit_confidence, unit_right) if len(unit_confidence) else (confidence, right)
    recall = r.precision_recall(*units, positives) if positives else None
    return Curves(
        reliability=bins,
        risk_coverage=_thin(risk.threshold, risk.coverage, risk.risk),
        precision_recall=_thin(recall.threshold, recall.recall, recall.precision)
        if recall
        else None,
    )


def _thin(threshold: r.Floats, x: r.Floats, y: r.Floats) -> Curve:
    keep = np.unique(np.linspace(0, len(x) - 1, min(len(x), _CURVE_POINTS)).round().astype(int))
    return Curve(
        threshold=tuple(threshold[keep].tolist()),
        x=tuple(x[keep].tolist()),
        y=tuple(y[keep].tolist()),
    )


def _wrong(judged: Sequence[Judged]) -> tuple[WrongCase, ...]:
    wrong = [each for each in judged if not each.right]
    wrong.sort(key=lambda each: -(each.confidence if each.confidence is not None else -1))
    return tuple(
        WrongCase(
            id=each.case.id,
            text=_shown(each)[:_TEXT_KEPT],
            gold=_words(each, each.gold, each.said) or "",
            answer=_words(each, each.said, each.gold),
            confidence=each.confidence,
            accepted=each.accepted,
            reason=each.problem or (each.label.reason if each.label else ""),
            clauses=each.case.clauses,
        )
        for each in wrong
    )


def _shown(each: Judged) -> str:
    if each.case.document is not None:
        return each.case.document.text
    return each.case.recording.name if each.case.recording else ""


def _words(
    each: Judged,
    answer: str | tuple[m.SpanKey, ...] | None,
    other: str | tuple[m.SpanKey, ...] | None,
) -> str | None:
    """An answer for people; of tokens only those that differ, because there are many."""
    if answer is None or isinstance(answer, str):
        return answer
    text = each.case.document.text if each.case.document else ""
    shown = sorted(answer)
    if each.case.gold.kind == "tokens":
        shown = sorted(set(answer) - set(other if isinstance(other, tuple) else ()))
    return ", ".join(f"{text[start:end]} [{name}]" for start, end, name in shown) or "(none)"
