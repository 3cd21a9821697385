"""What is checked before a clearance or a flag is kept."""

from __future__ import annotations

from collections.abc import Sequence

from llmlabel.domain.guideline import Guideline
from llmlabel.domain.people import Flag, Reviewer
from llmlabel.errors import InvalidInput
from llmlabel.review.answers import check_storable
from llmlabel.store import ReviewItem, Store

MAX_NAME = 200
"""Characters of a reviewer's name."""


def clear(
    store: Store,
    name: str,
    known: Sequence[str],
    *,
    guidelines: Sequence[str] | None,
    adjudicates: bool = True,
    note: str = "",
) -> Reviewer:
    """Say what a reviewer may review from now on; what they hold already they may still decide.

    Args:
        store: Where clearances are kept.
        name: The reviewer; need not have reviewed anything yet.
        known: Names of the guidelines there are.
        guidelines: Names of those they may review; None for all, empty for none.
        adjudicates: Whether they may decide where a panel disagrees.
        note: For people.

    Raises:
        InvalidInput: The reviewer has no name or too long a one, or a guideline is not known.
    """
    name = name.strip()
    check_storable(name, "name")
    check_storable(note, "note")
    if not 0 < len(name) <= MAX_NAME:
        raise InvalidInput(
            f"A reviewer has a name of 1 to {MAX_NAME} characters; this one has {len(name)}.",
            field="name",
        )
    chosen = None if guidelines is None else tuple(dict.fromkeys(guidelines))
    for place, each in enumerate(chosen or ()):
        if each not in known:
            raise InvalidInput(
                f"There is no guideline `{each[:80]}`; a clearance holds for every version of a "
                f"name, so choose from: {', '.join(sorted(set(known)))}.",
                field=f"guidelines.{place}",
            )
    reviewer = Reviewer(name=name, guidelines=chosen, adjudicates=adjudicates, note=note.strip())
    store.people.put(reviewer)
    return reviewer


def flag(
    store: Store,
    item: ReviewItem,
    guideline: Guideline,
    *,
    reviewer: str,
    comment: str,
    clause: str | None = None,
) -> Flag:
    """Keep a reviewer's remark on a guideline; the item stays as it is.

    Args:
        store: Where flags are kept.
        item: Over which it came up.
        guideline: Of the item.
        reviewer: Who says it.
        comment: What is unclear or wrong.
        clause: Id of the rule that is meant, if one is.

    Raises:
        InvalidInput: There is nothing in the comment, or the guideline has no such clause.
    """
    said = comment.strip()
    check_storable(said, "comment")
    if not said:
        raise InvalidInput(
            "The flag says nothing; write in `comment` what is unclear or wrong.", field="comment"
        )
    known = [each.id for each in guideline.clauses]
    if clause is not None and clause not in known:
        raise InvalidInput(
            f"{guideline.ref} has no clause `{clause[:80]}`; "
            + (f"choose from: {', '.join(known)}" if known else "it has no clauses")
            + ", or leave it out.",
            field="clause",
        )
    return store.flags.add(
        review_id=item.id,
        document_id=item.document.id,
        guideline=item.guideline,
        reviewer=reviewer,
        comment=said,
        clause=clause,
    )


def resolve(store: Store, id: str, *, by: str, resolution: str) -> Flag:
    """Answer a flag.

    Raises:
        NotFound: There is none under that id.
        Conflict: It was answered otherwise before.
        InvalidInput: The answer is empty.
    """
    said = resolution.strip()
    check_storable(said, "resolution")
    if not said:
        raise InvalidInput(
            "The resolution is empty; say what was done, or why nothing is to be done.",
            field="resolution",
        )
    return store.flags.resolve(id, by=by, resolution=said)
