"""Which verdicts an item takes, and the label that a verdict makes."""

from __future__ import annotations

from llmlabel.domain.answer import Answer
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.label import Label, Route
from llmlabel.domain.review import Verdict, VerdictKind
from llmlabel.errors import InvalidInput
from llmlabel.review.answers import check_answer
from llmlabel.store import ReviewItem


def check_verdict(
    item: ReviewItem, guideline: Guideline, kind: VerdictKind, answer: Answer | None
) -> None:
    """Refuse a verdict that does not fit the item.

    Raises:
        InvalidInput: The answer is missing, too much, or not one that the guideline and the
            text allow; or a blind item is to be confirmed.
    """
    proposed = item.label.label.answer
    if kind == "correct":
        if answer is None:
            raise InvalidInput(
                "`correct` needs the right answer; send it as `answer`, or `reject` the item "
                "if there is none.",
                field="answer",
            )
        check_answer(answer, guideline, item.document, proposed)
    elif kind == "confirm":
        _check_confirmed(item, answer)
    elif answer is not None:
        raise InvalidInput(f"`{kind}` takes no answer; leave it out.", field="answer")


def _check_confirmed(item: ReviewItem, answer: Answer | None) -> None:
    proposed = item.label.label.answer
    if item.blind:
        raise InvalidInput(
            "This item is blind: what was proposed is not shown, so it cannot be confirmed. "
            "Send your answer with the kind `correct`, or `reject` the item if there is none.",
            field="kind",
        )
    if proposed is None:
        raise InvalidInput(
            "No labeler gave an answer, so there is nothing to confirm; `correct` it with an "
            "answer or `reject` it.",
            field="kind",
        )
    if answer is not None and answer != proposed:
        raise InvalidInput(
            "The answer differs from the proposal; send it with the kind `correct`.",
            field="answer",
        )


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
