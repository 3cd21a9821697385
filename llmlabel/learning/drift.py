"""Drift: whether the days under a certificate still look like the gold that proved it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import structlog

from llmlabel.confidence.shift import Shift, measure_shift
from llmlabel.domain.guideline import Guideline
from llmlabel.learning.reference import reference_in, sample_of
from llmlabel.learning.speak import NOVELTY_EVIDENCE
from llmlabel.store import Store
from llmlabel.store.numbers import Numbers

DAYS_BACK = 14
MOST = 4.0
"""The audit rate is raised to so many times the policy's at most."""

NOTICED = "drift.noticed"
"""Event, once per day and guideline, on `name@version YYYY-MM-DD`."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class DriftDay:
    """One day (UTC) under a certificate, compared with its sample."""

    day: date
    shift: Shift


def audit_factor(days: Sequence[DriftDay], fewest: int = 50) -> float:
    """By how much to raise the audit rate: 2 after a day of drift, 4 after two in a row, no more.

    Days with too few documents to tell are passed over; a day without drift ends the rise.

    Args:
        days: Oldest first.
        fewest: Documents from which on a day counts.
    """
    factor = 1.0
    for each in reversed(days):
        if each.shift.documents < fewest:
            continue
        if not each.shift.drifted:
            break
        factor = min(2 * factor, MOST)
    return factor


class DriftWatch:
    """Looks for drift, warns, and has more audits drawn; it never voids a certificate.

    Args:
        store: Holds labels, certificates, gates.
        numbers: Of the same database.
        guideline: Finds the guideline of a `name@version`; raises UnknownGuideline.
    """

    def __init__(
        self, store: Store, numbers: Numbers, guideline: Callable[[str], Guideline]
    ) -> None:
        self._store = store
        self._numbers = numbers
        self._guideline = guideline

    def look(self, guideline: str) -> list[DriftDay]:
        """Compare the days, and set the audit rate by what was found.

        Two days in a row with drift make it four times the policy's; a day without drift brings
        it back. A day is noticed once, however often and by whomever it is looked at.

        Args:
            guideline: `name@version`.

        Returns:
            As `days`.
        """
        found = self.days(guideline)
        if not found:
            return []
        base = self._guideline(guideline).policy.audit
        factor = audit_factor(found)
        noticed = [each for each in found if each.shift.drifted]
        words = noticed[-1].shift.words if factor > 1 else ""
        self._store.gates.set_audit_rate(
            guideline, min(1.0, base * factor) if factor > 1 else None, words
        )
        for each in noticed:
            if self._store.events.append_once(
                NOTICED,
                f"{guideline} {each.day.isoformat()}",
                {"signs": list(each.shift.signs), "words": each.shift.words},
            ):
                log.warning(
                    "drift", guideline=guideline, day=each.day.isoformat(), what=each.shift.words
                )
        return found

    def days(self, guideline: str) -> list[DriftDay]:
        """The last days under the active certificate, oldest first; changes nothing."""
        certificate = self._store.certificates.active(guideline)
        reference = reference_in(certificate.sample) if certificate is not None else None
        if certificate is None or reference is None:
            return []
        first = self._store.database.clock().date() - timedelta(days=DAYS_BACK)
        after = self._numbers.row_before(certificate.id, first)
        if after is None:
            return []
        near = self._numbers.evidence(guideline, NOVELTY_EVIDENCE, after=after)
        return [
            DriftDay(
                day=each.day,
                shift=measure_shift(
                    reference, sample_of(each.confidences, each.labels, near.get(each.day))
                ),
            )
            for each in self._store.days(guideline, after=after)
        ]
