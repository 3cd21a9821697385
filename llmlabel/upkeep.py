"""What a service looks after beside its work: each duty by itself, round after round."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import structlog

from llmlabel.guidelines import GuidelineLibrary
from llmlabel.jobs import Jobs
from llmlabel.learning.erase import Erasing
from llmlabel.learning.training import due
from llmlabel.store import Store
from llmlabel.store.erasure import AT_ONCE
from llmlabel.telemetry import told

RETENTION_SECONDS = 24 * 3600.0
"""How often documents that are too old are looked for."""

log = structlog.get_logger()


class Upkeep:
    """One round of duties; call it.

    A duty that fails is logged under its name and holds up no other; the next round tries anew.

    Args:
        duties: By name, in the order in which they are done.
    """

    def __init__(self, duties: Mapping[str, Callable[[], object]]) -> None:
        self._duties = duties

    def __call__(self) -> None:
        """Do every duty once."""
        for name, duty in self._duties.items():
            try:
                duty()
            except Exception as error:
                log.warning("upkeep failed", duty=name, **told(error))


class Retention:
    """Deletes what is older than it may be, once a day; call it.

    Args:
        erase: Deletes documents with everything derived.
        days: How old documents may get; None keeps them.
        keep_verified: Those that a person decided stay.
    """

    def __init__(self, erase: Erasing, days: int | None, *, keep_verified: bool) -> None:
        self._erase = erase
        self._days = days
        self._keep_verified = keep_verified
        self._next = 0.0

    def __call__(self) -> None:
        """Delete one part, if it is time."""
        if self._days is None or time.monotonic() < self._next:
            return
        done = self._erase.retain(self._days, keep_verified=self._keep_verified)
        # A full part says that there is more; else tomorrow is soon enough.
        more = done is not None and done.erased.documents >= AT_ONCE
        self._next = time.monotonic() + (0.0 if more else RETENTION_SECONDS)


def train_where_due(
    store: Store, guidelines: GuidelineLibrary, jobs: Jobs, train_after: int
) -> None:
    """Ask for a training of every guideline with so many new verdicts."""
    for guideline in guidelines.list():
        if due(store, guideline.ref, train_after):
            # One id for so many verdicts: asked for again, it is the same job.
            verdicts = store.verified.decided_since(guideline.ref, None)
            id = f"auto-{guideline.ref}-{verdicts}"
            jobs.learning.submit("train", guideline.ref, "verdicts", id=id)
