"""The review queue as reviewers use it: take an item, decide it, or give it back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from llmlabel.domain.answer import Answer
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.label import Label, Route
from llmlabel.domain.review import ReviewStatus, Verdict, VerdictKind
from llmlabel.errors import InvalidInput
from llmlabel.review.answers import check_answer, check_storable
from llmlabel.store import ReviewItem, ReviewPage, Store


class ReviewQueue:
    """Gives items to reviewers under a lease and takes their verdicts.

    Args:
        store: Where the queue is kept.
        guideline: Finds the guideline of a `name@version`; raises UnknownGuideline.
        lease_seconds: How long a reviewer keeps an item without renewing.
        decided: Told of an item after the verdict on it is kept.
    """

    def __init__(
        self,
        store: Store,
        guideline: Callable[[str], Guideline],
        lease_seconds: float = 300.0,
        decided: Callable[[ReviewItem], None] | None = None,
    ) -> None:
        self._reviews = store.reviews
        self._clock = store.database.clock
        self._guideline = guideline
        self._lease = timedelta(seconds=lease_seconds)
        self._decided = decided

    def next(self, reviewer: str, guideline: str | None = None) -> ReviewItem | None:
        """Lease the next free item to a reviewer, or None when there is none.

        Args:
            reviewer: Who asks; not empty.
            guideline: Only of this one: a name or a `name@version`.

        Raises:
            InvalidInput: The reviewer has no name.
        """
        return self._reviews.lease(_named(reviewer), self._lease, guideline)

    def get(self, review_id: str) -> ReviewItem:
        """An item as it stands.

        Raises:
            NotFound: There is none.
        """
        return self._reviews.get(review_id)

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
            status: Only `open` or `done` ones.
            guideline: Only of this one: a name or a `name@version`.

        Raises:
            InvalidInput: The cursor is not one that this method gave.
        """
        return self._reviews.page(limit=limit, cursor=cursor, status=status, guideline=guideline)

    def renew(self, review_id: str, token: int, reviewer: str) -> ReviewItem:
        """Keep an item for another lease from now.

        Raises:
            NotFound, AlreadyReviewed, LeaseExpired: As `verdict`.
        """
        return self._reviews.renew(review_id, token, reviewer, self._lease)

    def release(self, review_id: str, token: int, reviewer: str) -> None:
        """Give an item back undecided; the next one who asks gets it.

        Raises:
            NotFound, AlreadyReviewed, LeaseExpired: As `verdict`.
        """
        self._reviews.release(review_id, token, reviewer)

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
        `correct`, whether it equals the proposal or not.

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
            The item as it stands now; the document's current label is the verified one.

        Raises:
            NotFound: There is no such item.
            AlreadyReviewed: Another verdict was first; `winner` holds it.
            LeaseExpired: The lease ended or passed to someone else.
            InvalidInput: The answer is not one that the guideline and the text allow, or a
                blind item is to be confirmed.
        """
        check_storable(comment or "", "comment")
        item = self._reviews.get(review_id)
        proposed = item.label.label.answer
        if item.status == "open":
            self._reviews.check_lease(item, token, reviewer)
            self._check(item, kind, answer)
        verdict = Verdict(
            review_id=review_id,
            reviewer=reviewer,
            kind=kind,
            answer=proposed if kind == "confirm" else answer,
            comment=comment,
            seconds=seconds,
            created_at=self._clock(),
        )
        label = None
        if kind != "skip":
            label = verified_label(item.label.label, verdict, blind=item.blind)
        decided = self._reviews.decide(token, verdict, label)
        if self._decided is not None and label is not None:
            self._decided(decided)
        return decided

    def undo(self, review_id: str, reviewer: str) -> ReviewItem:
        """Take one's own last verdict back and hold the item again under a new lease.

        Raises:
            NotFound: There is no such item.
            Conflict: It is not closed by this reviewer's last verdict.
        """
        return self._reviews.undo(review_id, reviewer, self._lease)

    def _check(self, item: ReviewItem, kind: VerdictKind, answer: Answer | None) -> None:
        proposed = item.label.label.answer
        if kind == "correct":
            if answer is None:
                raise InvalidInput(
                    "`correct` needs the right answer; send it as `answer`, or `reject` the item "
                    "if there is none.",
                    field="answer",
                )
            check_answer(answer, self._guideline(item.guideline), item.document, proposed)
        elif kind == "confirm":
            if item.blind:
                raise InvalidInput(
                    "This item is blind: what was proposed is not shown, so it cannot be "
                    "confirmed. Send your answer with the kind `correct`, or `reject` the item "
                    "if there is none.",
                    field="kind",
                )
            if proposed is None:
                raise InvalidInput(
                    "No labeler gave an answer, so there is nothing to confirm; `correct` it "
                    "with an answer or `reject` it.",
                    field="kind",
                )
            if answer is not None and answer != proposed:
                raise InvalidInput(
                    "The answer differs from the proposal; send it with the kind `correct`.",
                    field="answer",
                )
        elif answer is not None:
            raise InvalidInput(f"`{kind}` takes no answer; leave it out.", field="answer")


def verified_label(proposal: Label, verdict: Verdict, *, blind: bool = False) -> Label:
    """The label that a verdict makes of a proposal.

    A rejected one has no answer, so its route stays `review`: it is never delivered as one.
    Its confidence stays the proposal's, and says how sure the labelers were. A blind answer
    that equals the proposal confirms it, whatever the verdict is called.
    """
    agrees = verdict.answer is not None and verdict.answer == proposal.answer
    said = {
        "confirm": "A reviewer confirmed the proposal.",
        "correct": "A reviewer corrected the proposal.",
        "reject": "A reviewer found that no right answer exists.",
    }[verdict.kind]
    if blind and verdict.kind == "correct":
        said = (
            "A reviewer gave the same answer without seeing the proposal, which confirms it."
            if agrees
            else "A reviewer gave another answer without seeing the proposal."
        )
    comment = f" {verdict.comment}" if verdict.comment else ""
    return proposal.model_copy(
        update={
            "answer": verdict.answer,
            "route": Route.REVIEW if verdict.answer is None else Route.ACCEPTED,
            "reason": said + comment,
            "verified": True,
            "units": proposal.units if agrees else (),
            "created_at": verdict.created_at,
        }
    )


def _named(reviewer: str) -> str:
    if not reviewer.strip():
        raise InvalidInput("The reviewer has no name; send one.", field="reviewer")
    check_storable(reviewer, "reviewer")
    return reviewer
