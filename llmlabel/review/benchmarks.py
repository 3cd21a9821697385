"""Hidden gold among the items that reviewers get: it measures them, and they cannot tell it."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from llmlabel.domain.answer import Answer
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.label import Label, Route
from llmlabel.domain.promise import Loss
from llmlabel.domain.review import PastVerdict, Verdict
from llmlabel.store import ReviewItem, Store, StoredLabel
from llmlabel.store.benchmark_rows import Benchmark
from llmlabel.store.openings import AUDIT_PRIORITY

LossOf = Callable[[Answer | None, Answer | None, Loss, str | None], float]
"""How wrong an answer is against the right one, in [0, 1]; of two None it is not asked."""


class BenchmarkQueue:
    """Imported gold in the shape of a blind item, among the items that a reviewer takes.

    Each reviewer gets a text once. What they say of it is kept beside the right answer and makes
    no label, no gold and no audit.

    Args:
        store: Where gold and answers are kept.
        guideline: Finds the guideline of a `name@version`; raises UnknownGuideline.
        loss: How wrong an answer is.
        lease_seconds: As for reviews.
        chance: A number in [0, 1), another with every call.
    """

    def __init__(
        self,
        store: Store,
        guideline: Callable[[str], Guideline],
        loss: LossOf,
        lease_seconds: float = 300.0,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._benchmarks = store.benchmarks
        self._guideline = guideline
        self._loss = loss
        self._lease = timedelta(seconds=lease_seconds)
        self._chance = chance

    def offer(self, reviewer: str, guideline: str, session: str | None) -> ReviewItem | None:
        """Lease a hidden item, with the probability that the guideline's policy says.

        None otherwise, and where the reviewer has met all gold there is. A transcript is never
        hidden gold: no recording was imported with it.

        Args:
            reviewer: Who gets it.
            guideline: `name@version` of the item that it comes in the place of.
            session: Of the reviewer's browser tab.
        """
        task = self._guideline(guideline)
        if self._chance() >= task.policy.benchmarks or task.kind == "transcript":
            return None
        given = self._benchmarks.give(
            reviewer,
            task.ref,
            self._lease,
            session=session,
            shown=[example.text for example in task.examples],
            # Without a right answer there are no tokens to show.
            answered=task.kind == "tokens",
        )
        return None if given is None else self._item(given)

    def held(self, reviewer: str, session: str) -> Sequence[ReviewItem]:
        """Those under a live lease of this reviewer and session, renewed."""
        return [self._item(each) for each in self._benchmarks.held(reviewer, session, self._lease)]

    def owns(self, id: str) -> bool:
        """Whether an id is of a benchmark."""
        return self._benchmarks.owns(id)

    def get(self, id: str) -> ReviewItem:
        """One as it stands.

        Raises:
            NotFound: There is none.
        """
        return self._item(self._benchmarks.get(id))

    def take_one(self, id: str, reviewer: str, session: str | None) -> ReviewItem:
        """Lease it once more, as when its lease ran out; raises as `ReviewQueue.take_one`."""
        return self._item(self._benchmarks.take_one(id, reviewer, session, self._lease))

    def renew(self, id: str, token: int, reviewer: str) -> ReviewItem:
        """Keep it for another lease from now; raises as `ReviewQueue.renew`."""
        return self._item(self._benchmarks.renew(id, token, reviewer, self._lease))

    def release(self, id: str, token: int, reviewer: str) -> None:
        """Give it back; the same reviewer may be offered it again."""
        self._benchmarks.release(id, token, reviewer)

    def decide(self, token: int, verdict: Verdict) -> ReviewItem:
        """Keep a verdict and how wrong it is.

        Args:
            token: Of the lease.
            verdict: As the queue checked it. Sent again under the same lease, it gives the same
                result.

        Raises:
            NotFound, AlreadyReviewed, LeaseExpired: As `ReviewQueue.verdict`.
        """
        found = self._benchmarks.get(verdict.review_id)
        loss = None if verdict.kind == "skip" else self._loss_of(found, verdict.answer)
        return self._item(self._benchmarks.decide(token, verdict, loss))

    def last(self, reviewer: str, session: str | None) -> tuple[str, datetime] | None:
        """Id and moment of the newest verdict on one that stands, skips included."""
        return self._benchmarks.last(reviewer, session)

    def undo(self, id: str, reviewer: str, session: str | None) -> ReviewItem:
        """Take that verdict back and lease the item again.

        Raises:
            NotFound: There is none.
            Conflict: This reviewer did not decide it.
        """
        return self._item(self._benchmarks.undo(id, reviewer, session, self._lease))

    def history(self, id: str) -> list[PastVerdict]:
        """Every verdict on it, oldest first; those taken back are marked."""
        past = [PastVerdict(**dict(each), undone=True) for each in self._benchmarks.undone(id)]
        stands = self._benchmarks.get(id).verdict
        return past if stands is None else [*past, PastVerdict(**dict(stands), undone=False)]

    def _loss_of(self, found: Benchmark, answer: Answer | None) -> float:
        if answer is None and found.truth is None:
            return 0.0  # both say that no right answer exists
        loss = self._guideline(found.guideline).policy.loss
        return self._loss(answer, found.truth, loss, found.document.language)

    def _item(self, found: Benchmark) -> ReviewItem:
        task = self._guideline(found.guideline)
        label = Label(
            document_id=found.document.id,
            text_sha256=found.document.text_sha256,
            guideline=found.guideline,
            guideline_sha256=task.sha256,
            answer=found.truth,
            confidence=None,
            route=Route.REVIEW,
            reason="",
            threshold=task.policy.threshold,
            created_at=found.created_at,
        )
        return ReviewItem(
            id=found.id,
            status=found.status,
            kind="benchmark",
            blind=True,
            document=found.document,
            label=StoredLabel(id="l" + found.id[1:], run=1, label=label),
            guideline=found.guideline,
            reason="",
            priority=AUDIT_PRIORITY,
            token=found.token,
            leased_by=found.reviewer,
            lease_expires_at=found.lease_expires_at,
            session=found.session,
            settled=False,  # it stays hidden for ever
            verdict=found.verdict,
            created_at=found.created_at,
        )
