"""The review queue as reviewers use it: take items, decide them, give them back, take it back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

from llmlabel.domain.answer import Answer
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.people import Reviewer
from llmlabel.domain.review import (
    Filter,
    PastVerdict,
    QueueState,
    Renewal,
    ReviewStatus,
    Verdict,
    VerdictKind,
    Waiting,
)
from llmlabel.errors import Conflict, InvalidInput, LlmlabelError, NotFound
from llmlabel.review.answers import check_storable
from llmlabel.review.benchmarks import BenchmarkQueue
from llmlabel.review.mixing import Mixing
from llmlabel.review.rules import check_verdict, verified_label
from llmlabel.review.waiting import Remembered
from llmlabel.store import Asker, ReviewItem, ReviewPage, Store
from llmlabel.store.verdicts import not_newest

MAX_TAKE = 20
"""So many items one call gives at most."""

ANY = Filter()


class ReviewQueue:
    """Gives items to reviewers under a lease and takes their verdicts.

    Args:
        store: Where the queue is kept.
        guideline: Finds the guideline of a `name@version`; raises UnknownGuideline.
        lease_seconds: How long a reviewer keeps an item without renewing.
        decided: Told of an item after a verdict on it has made a label.
        clearance: What a reviewer may review; everything without it.
        benchmarks: Hidden items whose right answer is known; none without it.
    """

    def __init__(
        self,
        store: Store,
        guideline: Callable[[str], Guideline],
        lease_seconds: float = 300.0,
        decided: Callable[[ReviewItem], None] | None = None,
        *,
        clearance: Callable[[str], Reviewer] = lambda name: Reviewer(name=name),
        benchmarks: BenchmarkQueue | None = None,
    ) -> None:
        self._reviews = store.reviews
        self._clock = store.database.clock
        self._guideline = guideline
        self._lease = timedelta(seconds=lease_seconds)
        self._decided = decided
        self._clearance = clearance
        self._mixing = Mixing(benchmarks)
        self._counts = Remembered()

    def take(
        self, reviewer: str, count: int = 1, where: Filter = ANY, session: str | None = None
    ) -> list[ReviewItem]:
        """Lease items until this reviewer holds `count` of them in this session.

        First come those that this reviewer and session hold already, under the same tokens and
        renewed: a page that is loaded again gets its items back, and one that fetches ahead
        asks for as many as it wants to have in all. Then come free ones, those that this
        reviewer skipped last. Nobody gets two seats of one panel, nor an adjudication of a
        panel they were in, nor what they are not cleared for. Items whose guideline's file is
        gone or broken wait until it is mended.

        Args:
            reviewer: Who asks; not empty.
            count: How many, from 1 to 20.
            where: Which ones.
            session: Of one browser tab; without it every call gives other items.

        Raises:
            InvalidInput: The reviewer has no name, or the count is not one that is given.
        """
        asker = self._asker(reviewer, session)
        if not 1 <= count <= MAX_TAKE:
            raise InvalidInput(
                f"{count} items cannot be taken at once; ask for 1 to {MAX_TAKE}.", field="count"
            )
        cleared = self._clearance(reviewer)
        if where.queue == "adjudication" and not cleared.adjudicates:
            return []
        known = self._mixing.held(asker, where)[:count]
        if len(known) == count:
            return known
        leases = self._reviews.leases
        held, new = leases.take(
            asker,
            count - len(known),
            where,
            cleared=lambda ref: cleared.may_review(ref) and self._can_be_read(ref),
        )
        return known + held + self._mixing.mix(asker, where, new, leases.release)

    def next(self, reviewer: str, guideline: str | None = None) -> ReviewItem | None:
        """Lease the next free item to a reviewer, or None when there is none.

        Args:
            reviewer: Who asks; not empty.
            guideline: Only of this one: a name or a `name@version`.

        Raises:
            InvalidInput: The reviewer has no name.
        """
        found = self.take(reviewer, where=Filter(guideline=guideline))
        return found[0] if found else None

    def take_one(self, review_id: str, reviewer: str, session: str | None = None) -> ReviewItem:
        """Lease a certain item; whoever holds it in this session keeps the token.

        Raises:
            NotFound: There is none.
            AlreadyReviewed: It is decided; `winner` holds the verdict.
            Conflict: Somebody holds it, the reviewer is not cleared for it, or has another part
                in its panel.
        """
        asker = self._asker(reviewer, session)
        cleared = self._clearance(reviewer)
        item = self.get(review_id)
        if not cleared.may_review(item.guideline) or (
            item.kind == "adjudication" and not cleared.adjudicates
        ):
            raise Conflict(
                f"You are not cleared for this item of {item.guideline}; take another one, or "
                "ask an evaluator to clear you.",
                field="review_id",
            )
        if item.kind == "benchmark":
            return self._mixing.queue.take_one(review_id, reviewer, session)
        return self._reviews.leases.take_one(review_id, asker)

    def get(self, review_id: str) -> ReviewItem:
        """An item as it stands.

        Raises:
            NotFound: There is none.
        """
        try:
            return self._reviews.get(review_id)
        except NotFound:
            if not self._mixing.owns(review_id):
                raise
            return self._mixing.queue.get(review_id)

    def is_given(self, document_id: str, reviewer: str) -> bool:
        """Whether a reviewer holds, or was the last to hold, an item of this document."""
        return self._reviews.is_given(document_id, reviewer)

    def page(
        self,
        *,
        limit: int = 50,
        cursor: str | None = None,
        status: ReviewStatus | None = None,
        guideline: str | None = None,
    ) -> ReviewPage:
        """A page of items, newest first.

        Args:
            limit: At most so many.
            cursor: From the page before; None starts at the newest.
            status: Only those with this one.
            guideline: Only of this one: a name or a `name@version`.

        Raises:
            InvalidInput: The cursor is not one that this method gave.
        """
        return self._reviews.page(limit=limit, cursor=cursor, status=status, guideline=guideline)

    def waiting(self, reviewer: str, where: Filter = ANY) -> Waiting:
        """How many items wait of those that a reviewer is cleared for.

        Of a long queue the number is as old as `Remembered` says.
        """
        cleared = self._clearance(reviewer)
        if where.queue == "adjudication" and not cleared.adjudicates:
            return Waiting(open=0, leased=0)
        return self._counts.of(
            (where, cleared.guidelines),
            lambda: self._reviews.waiting(where, cleared.may_review),
        )

    def queues(self, reviewer: str | None = None) -> list[QueueState]:
        """What waits, by guideline, kind and language; only what a named reviewer may take."""
        if reviewer is None:
            return self._counts.of("queues", self._reviews.queues)
        cleared = self._clearance(reviewer)
        return self._counts.of(
            (reviewer, cleared.guidelines, cleared.adjudicates),
            lambda: self._reviews.queues(
                reviewer, cleared.may_review, adjudicates=cleared.adjudicates
            ),
        )

    def renew(self, review_id: str, token: int, reviewer: str) -> ReviewItem:
        """Keep an item for another lease from now.

        Raises:
            NotFound, AlreadyReviewed, LeaseExpired: As `verdict`.
        """
        if self._mixing.owns(review_id):
            return self._mixing.queue.renew(review_id, token, reviewer)
        return self._reviews.leases.renew_one(review_id, token, self._asker(reviewer))

    def renew_all(self, leases: Sequence[tuple[str, int]], reviewer: str) -> list[Renewal]:
        """Keep items for another lease from now; of each, until when, or why it is lost.

        Args:
            leases: Ids with their tokens.
            reviewer: Who holds them.
        """
        found = self._reviews.leases.renew(leases, self._asker(reviewer))
        return [
            self._mixing.renewal(id, token, reviewer)
            if each.code == "not-found" and self._mixing.owns(id)
            else each
            for each, (id, token) in zip(found, leases, strict=True)
        ]

    def release(self, review_id: str, token: int, reviewer: str) -> None:
        """Give an item back undecided; the next one who asks gets it.

        Raises:
            NotFound, AlreadyReviewed, LeaseExpired: As `verdict`.
        """
        if self._mixing.owns(review_id):
            self._mixing.queue.release(review_id, token, reviewer)
        else:
            self._reviews.leases.release_one(review_id, token, reviewer)

    def release_all(self, leases: Sequence[tuple[str, int]], reviewer: str) -> int:
        """Give items back undecided; returns how many of them the reviewer still held.

        Args:
            leases: Ids with their tokens.
            reviewer: Who holds them.
        """
        released = self._reviews.leases.release(leases, reviewer)
        if released < len(leases):
            released += self._mixing.release(leases, reviewer)
        return released

    def verdict(
        self,
        review_id: str,
        *,
        token: int,
        kind: VerdictKind,
        reviewer: str,
        answer: Answer | None = None,
        comment: str | None = None,
        seconds: float | None = None,
    ) -> ReviewItem:
        """Decide an item; the first verdict wins.

        Sending the same verdict once more under the same lease gives the same result.
        Of a blind item the reviewer has not seen the proposal: its answer is sent with
        `correct`, whether it equals the proposal or not. The verdict on a seat of a panel makes
        the label when the last seat is decided and all agree; else an adjudicator does.

        Args:
            review_id: The item.
            token: Of the lease.
            kind: `confirm` the proposal, `correct` it, `reject` (no right answer exists) or
                `skip` (someone else should decide).
            reviewer: Who holds the lease.
            answer: The right answer; for `correct` only.
            comment: For people.
            seconds: Time spent.

        Returns:
            The item as it stands now; a blind one must stay hidden from this reviewer, who may
            take the verdict back.

        Raises:
            NotFound: There is no such item.
            AlreadyReviewed: Another verdict was first; `winner` holds it.
            LeaseExpired: The lease ended or passed to someone else.
            InvalidInput: The answer is not one that the guideline and the text allow, or a
                blind item is to be confirmed.
        """
        check_storable(comment or "", "comment")
        item = self.get(review_id)
        guideline = self._guideline(item.guideline)
        proposal = item.label.label
        if item.status == "open":
            if kind != "skip":  # one that is sent again finds its lease ended
                self._reviews.leases.check(item, token, reviewer)
            check_verdict(item, guideline, kind, answer)
        verdict = Verdict(
            review_id=review_id,
            reviewer=reviewer,
            kind=kind,
            answer=proposal.answer if kind == "confirm" else answer,
            comment=comment,
            seconds=seconds,
            created_at=self._clock(),
        )
        if item.kind == "benchmark":
            return self._mixing.queue.decide(token, verdict)
        panel = guideline.policy.panel
        decided = self._reviews.verdicts.decide(
            item,
            token,
            verdict,
            lambda each: verified_label(proposal, each, blind=item.blind),
            "unanimous" if panel is None else panel.settle,
        )
        if self._decided is not None and decided.labeled:
            self._decided(decided.item)
        return decided.item

    def undo(self, review_id: str, reviewer: str, session: str | None = None) -> ReviewItem:
        """Take one's own newest verdict back, if it is on this item, and hold the item again.

        Raises:
            NotFound: There is no such item.
            Conflict: It is not this reviewer's newest verdict that stands (in this session, if
                one is named), somebody else holds the item, or settled it since.
        """
        asker = self._asker(reviewer, session)
        newest = self._newest_benchmark(asker)
        if newest == review_id:
            return self._mixing.queue.undo(review_id, reviewer, session)
        if newest is not None or self._mixing.owns(review_id):
            self.get(review_id)
            raise not_newest()
        return self._reviews.verdicts.undo(asker, review_id)

    def undo_last(self, reviewer: str, session: str | None = None) -> ReviewItem:
        """Take one's own newest verdict back, skips included, and hold the item again.

        Called again, it takes the one before back, and so on.

        Raises:
            NotFound: Nothing is left to take back.
            Conflict: Somebody else holds the item, or settled it since.
        """
        asker = self._asker(reviewer, session)
        newest = self._newest_benchmark(asker)
        if newest is not None:
            return self._mixing.queue.undo(newest, reviewer, session)
        return self._reviews.verdicts.undo(asker)

    def history(self, review_id: str) -> list[PastVerdict]:
        """Every verdict on an item, oldest first; those taken back are marked.

        Raises:
            NotFound: There is no such item.
        """
        if self._mixing.owns(review_id):
            return self._mixing.queue.history(review_id)
        return self._reviews.verdicts.history(review_id)

    def _asker(self, reviewer: str, session: str | None = None) -> Asker:
        if not reviewer.strip():
            raise InvalidInput("The reviewer has no name; send one.", field="reviewer")
        check_storable(reviewer, "reviewer")
        return Asker(reviewer, session, self._lease)

    def _can_be_read(self, ref: str) -> bool:
        try:
            self._guideline(ref)
        except LlmlabelError:
            return False
        return True

    def _newest_benchmark(self, asker: Asker) -> str | None:
        return self._mixing.newest(
            asker, self._reviews.verdicts.last(asker.reviewer, asker.session)
        )
