"""The scores of each kind of task."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from llmlabel.domain.answer import Kind
from llmlabel.evaluation import metrics as m
from llmlabel.evaluation.judging import Judged
from llmlabel.evaluation.report import Confusion, Interval, LabelScore
from llmlabel.evaluation.speech import WordErrors


class Scores(NamedTuple):
    """Metrics by name, the interval of the first, and the tables behind them.

    `positives` is what recall is measured against: gold units, or cases of a choice.
    """

    metrics: dict[str, float | None]
    interval: Interval | None
    per_label: tuple[LabelScore, ...] = ()
    confusion: Confusion | None = None
    positives: int = 0


def scores_of(kind: Kind, judged: Sequence[Judged]) -> Scores:
    """The scores that apply to this kind; null where undefined."""
    of = {"choice": _choice, "spans": _spans, "tokens": _tokens, "transcript": _transcript}
    return of[kind](judged)


def _choice(judged: Sequence[Judged]) -> Scores:
    gold = [str(each.gold) for each in judged]
    said = [each.said if isinstance(each.said, str) else None for each in judged]
    counts = m.label_counts(gold, said)
    labels = tuple(sorted(set(gold)))
    table = m.confusion_matrix(gold, said, labels).tolist()
    rights = np.array([[each.right, 1] for each in judged], dtype=float)
    return Scores(
        {"accuracy": m.accuracy(gold, said), "macro_f1": m.macro_f1(counts)},
        _interval("accuracy", rights, m.ratio_of_sums),
        _per_label(counts),
        Confusion(labels=labels, table=tuple(tuple(row) for row in table)),
        positives=len(judged),
    )


def _spans(judged: Sequence[Judged]) -> Scores:
    pairs = [(_keys(each.gold), _keys(each.said)) for each in judged]
    strict = [m.span_counts(gold, said) for gold, said in pairs]
    total = sum(strict, m.Counts())
    loose = sum((m.overlap_counts(gold, said) for gold, said in pairs), m.Counts())
    by_label: dict[str, m.Counts] = defaultdict(m.Counts)
    for gold, said in pairs:
        for name, counts in m.counts_by_label(gold, said).items():
            by_label[name] += counts
    table = np.array([[c.right, c.predicted, c.gold] for c in strict], dtype=float)
    return Scores(
        {
            "span_f1_strict": total.f1,
            "span_precision": total.precision,
            "span_recall": total.recall,
            "span_f1_overlap": loose.f1,
            "exact_match": _share_right(judged),
        },
        _interval("span_f1_strict", table, m.f1_of_sums),
        _per_label(by_label),
        positives=total.gold,
    )


def _tokens(judged: Sequence[Judged]) -> Scores:
    pairs = [(_keys(each.gold), _keys(each.said)) for each in judged]
    counts = [m.token_counts(gold, said) for gold, said in pairs]
    total, aligned = sum(c.gold for c in counts), sum(c.aligned for c in counts)
    right = sum(c.right for c in counts)
    gold_tags: list[str] = []
    said_tags: list[str | None] = []
    for gold, said in pairs:
        found = {(start, end): tag for start, end, tag in said}
        gold_tags += [tag for *_, tag in gold]
        said_tags += [found.get((start, end)) for start, end, _ in gold]
    by_tag = m.label_counts(gold_tags, said_tags) if gold_tags else {}
    labels = tuple(sorted(set(gold_tags)))
    table = m.confusion_matrix(gold_tags, said_tags, labels).tolist() if gold_tags else []
    rows = np.array([[c.right, c.gold] for c in counts], dtype=float)
    return Scores(
        {
            "token_accuracy": right / total if total else None,
            "token_accuracy_aligned": right / aligned if aligned else None,
            "token_alignment": aligned / total if total else None,
            "macro_f1": m.macro_f1(by_tag) if by_tag else None,
            "exact_match": _share_right(judged),
        },
        _interval("token_accuracy", rows, m.ratio_of_sums),
        _per_label(by_tag),
        Confusion(labels=labels, table=tuple(tuple(row) for row in table)),
        positives=total,
    )


def _transcript(judged: Sequence[Judged]) -> Scores:
    words = [each.words or WordErrors() for each in judged]
    total = sum(words, WordErrors())
    scores: dict[str, float | None] = {"wer": total.rate}
    if total.words:
        scores["wer_substitutions"] = total.substitutions / total.words
        scores["wer_deletions"] = total.deletions / total.words
        scores["wer_insertions"] = total.insertions / total.words
    silent = [each for each in judged if each.words and not each.words.words]
    if silent:
        scores["silence_kept_empty"] = _share_right(silent)
    scores["exact_match"] = _share_right(judged)
    table = np.array([[w.errors, w.words] for w in words], dtype=float)
    return Scores(scores, _interval("wer", table, m.ratio_of_sums))


def _keys(answer: str | tuple[m.SpanKey, ...] | None) -> tuple[m.SpanKey, ...]:
    return answer if isinstance(answer, tuple) else ()


def _share_right(judged: Sequence[Judged]) -> float:
    return sum(each.right for each in judged) / len(judged)


def _interval(metric: str, table: Any, statistic: Any) -> Interval | None:
    low, high = m.bootstrap_interval(table, statistic)
    return None if np.isnan(low) else Interval(metric=metric, low=low, high=high)


def _per_label(counts: dict[str, m.Counts]) -> tuple[LabelScore, ...]:
    return tuple(
        LabelScore(
            label=name,
            precision=count.precision,
            recall=count.recall,
            f1=count.f1,
            gold=count.gold,
            predicted=count.predicted,
        )
        for name, count in sorted(counts.items())
    )
