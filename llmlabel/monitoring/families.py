"""The metrics that are read from the database, by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, get_args

from llmlabel.domain.batch import BatchStatus
from llmlabel.learning.quality import Quality, State
from llmlabel.store.batch_reads import BatchCounts
from llmlabel.store.deliveries import Waiting
from llmlabel.store.standing import DECISION_SECONDS, Standing

if TYPE_CHECKING:
    from prometheus_client import Metric

# Prometheus holds what it once saw as long as it is told; so every guideline has every row.
Row = tuple[tuple[str, ...], float]


def of_standing(standing: Standing, now: datetime) -> Iterator[Metric]:
    """What waits, what was made, and who works."""

    def age(since: datetime | None) -> float:
        return max(0.0, (now - since).total_seconds()) if since is not None else 0.0

    texts, sound = standing.queued, standing.recordings
    yield _gauge(
        "llmlabel_queue_depth",
        "Documents that wait or are under way: texts by guideline, recordings to transcribe.",
        ("queue", "guideline"),
        [
            *((("label", ref), each.count) for ref, each in texts.items()),
            *([] if texts else [(("label", ""), 0)]),
            (("transcribe", ""), sound.count),
        ],
    )
    yield _gauge(
        "llmlabel_queue_oldest_seconds",
        "Age of the oldest document that waits or is under way; 0 where none is.",
        ("queue",),
        [
            (("label",), max((age(each.oldest) for each in texts.values()), default=0.0)),
            (("transcribe",), age(sound.oldest)),
        ],
    )
    yield _gauge(
        "llmlabel_failed",
        "Documents that failed and were not asked for again.",
        ("queue", "guideline"),
        [
            *((("label", ref), n) for ref, n in standing.failed.items()),
            (("transcribe", ""), standing.failed_recordings),
        ],
    )
    yield _counter(
        "llmlabel_labels",
        "Labels made: accepted or sent to review by the pipeline, verified by people.",
        ("guideline", "route"),
        standing.labels,
    )
    yield _counter(
        "llmlabel_verdicts", "Verdicts of reviewers.", ("guideline", "kind"), standing.verdicts
    )
    yield _decisions(standing.decisions)
    reviews = standing.reviews
    yield _gauge(
        "llmlabel_reviews_open",
        "Reviews that nobody has decided.",
        ("guideline",),
        [((ref,), each.open) for ref, each in reviews.items()],
    )
    yield _gauge(
        "llmlabel_reviews_leased",
        "Open reviews that a reviewer holds now.",
        ("guideline",),
        [((ref,), each.leased) for ref, each in reviews.items()],
    )
    yield _gauge(
        "llmlabel_reviews_oldest_seconds",
        "Age of the oldest open review.",
        ("guideline",),
        [((ref,), age(each.oldest)) for ref, each in reviews.items()],
    )
    training = standing.training
    yield _gauge(
        "llmlabel_training_running",
        "Whether a training is under way.",
        ("guideline",),
        [((ref,), float((ref, "running") in training)) for ref in sorted({r for r, _ in training})],
    )
    yield _gauge(
        "llmlabel_training_ended_timestamp_seconds",
        "When the last training with this end did end.",
        ("guideline", "status"),
        [(key, when.timestamp()) for key, when in training.items() if key[1] != "running"],
    )
    yield _gauge(
        "llmlabel_worker_silent_seconds",
        "Time since the last sign of life of a process that runs jobs.",
        ("worker",),
        [((worker,), age(seen)) for worker, seen in standing.workers.items()],
    )


def of_webhooks(found: Waiting, now: datetime) -> Iterator[Metric]:
    """What is still to be told to endpoints, and what was given up."""
    oldest = 0.0 if found.oldest is None else max(0.0, (now - found.oldest).total_seconds())
    yield _gauge(
        "llmlabel_webhooks_waiting",
        "Messages to enabled endpoints that are still to be delivered.",
        (),
        [((), found.waiting)],
    )
    yield _gauge(
        "llmlabel_webhooks_oldest_seconds",
        "Age of the oldest of them; 0 where none is.",
        (),
        [((), oldest)],
    )
    yield _gauge(
        "llmlabel_webhooks_dead",
        "Messages that were given up and not sent again.",
        (),
        [((), found.dead)],
    )


def of_batches(found: BatchCounts) -> Iterator[Metric]:
    """How many batches there are, and what became of their lines."""
    yield _gauge(
        "llmlabel_batches",
        "Batches that are known, by status.",
        ("status",),
        [((status,), found.batches.get(status, 0)) for status in get_args(BatchStatus)],
    )
    yield _gauge(
        "llmlabel_batch_lines",
        "Lines of these batches: accepted, refused, or unread of a file that is here.",
        ("state",),
        [
            (("unread",), found.unread),
            (("accepted",), found.accepted),
            (("refused",), found.refused),
        ],
    )


def of_quality(found: Sequence[Quality]) -> Iterator[Metric]:
    """What is promised of each guideline, and what the audits say of it."""
    yield _gauge(
        "llmlabel_gate_state",
        "1 for the state a guideline is in: certified, closed, unproved or threshold.",
        ("guideline", "state"),
        [
            ((each.guideline, state), float(each.state == state))
            for each in found
            for state in get_args(State)
        ],
    )
    promised = [(each.guideline, each.promise) for each in found]
    yield _gauge(
        "llmlabel_promised_error",
        "The share of wrong labels that is promised at most.",
        ("guideline",),
        [((ref,), promise.error) for ref, promise in promised if promise is not None],
    )
    yield _gauge(
        "llmlabel_audit_estimate",
        "The risk that the promise is about, as the audits show it.",
        ("guideline",),
        [
            ((each.guideline,), each.audits.estimate)
            for each in found
            if each.audits.estimate is not None
        ],
    )
    for end, what in (("low", "Lower"), ("high", "Upper")):
        yield _gauge(
            f"llmlabel_audit_{end}",
            f"{what} end of the interval around the estimate, which holds at all times together.",
            ("guideline",),
            [((each.guideline,), getattr(each.audits, end)) for each in found],
        )
    yield _gauge(
        "llmlabel_audits",
        "Audits of accepted labels, under the active certificate if there is one.",
        ("guideline", "status"),
        [
            ((each.guideline, status), getattr(each.audits, status))
            for each in found
            for status in ("done", "pending")
        ],
    )
    yield _gauge(
        "llmlabel_audit_rate",
        "Probability with which an accepted label is audited.",
        ("guideline",),
        [((each.guideline,), each.audit_rate) for each in found],
    )
    yield _gauge(
        "llmlabel_drift",
        "Whether the last day under the certificate differs from the gold that proved it.",
        ("guideline",),
        [((each.guideline,), float(each.drift[-1].drifted)) for each in found if each.drift],
    )
    yield _gauge(
        "llmlabel_drift_index",
        "Population stability index of the last day; above 0.2 is a large shift.",
        ("guideline", "of"),
        [
            ((each.guideline, of), index)
            for each in found
            if each.drift
            for of, index in (
                ("confidence", each.drift[-1].confidence_index),
                ("label", each.drift[-1].label_index),
            )
            if index is not None
        ],
    )


def _gauge(name: str, help: str, labels: Sequence[str], rows: Sequence[Row]) -> Metric:
    from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415

    family = GaugeMetricFamily(name, help, labels=labels)
    for values, number in rows:
        family.add_metric(values, number)
    return family


def _counter(
    name: str, help: str, labels: Sequence[str], rows: Mapping[tuple[str, str], int]
) -> Metric:
    from prometheus_client.core import CounterMetricFamily  # noqa: PLC0415

    family = CounterMetricFamily(name, help, labels=labels)
    for values, number in sorted(rows.items()):
        family.add_metric(values, number)
    return family


def _decisions(found: Mapping[str, tuple[float, ...]]) -> Metric:
    from prometheus_client.core import HistogramMetricFamily  # noqa: PLC0415

    family = HistogramMetricFamily(
        "llmlabel_decision_seconds",
        "How long reviewers took for a decision: confirmed, corrected or rejected.",
        labels=("guideline",),
    )
    for guideline, (*within, timed, seconds) in sorted(found.items()):
        buckets = [(str(bound), n) for bound, n in zip(DECISION_SECONDS, within, strict=True)]
        family.add_metric((guideline,), [*buckets, ("+Inf", timed)], seconds)
    return family
