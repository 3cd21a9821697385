"""Labels that people look at again: chosen by what is known of them, and queued."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

from pydantic import Field

from llmlabel.domain.base import Value
from llmlabel.domain.guideline import Guideline
from llmlabel.errors import InvalidInput
from llmlabel.learning.label_errors import REASON, Suspect
from llmlabel.review.answers import check_storable
from llmlabel.store import Store
from llmlabel.store.gold import label_names

MOST = 100_000
"""Labels queued at once."""


class Wanted(Value):
    """Which labels of a guideline version; those that wait for a person already are none of them.

    A moment without a time zone is in UTC.
    """

    label: str | None = Field(
        default=None, description="It is the answer, or the label of a span or token of it."
    )
    confidence_below: float | None = Field(default=None, description="Less sure than this.")
    confidence_above: float | None = Field(default=None, description="As sure as this, or surer.")
    since: datetime | None = Field(default=None, description="Labeled or decided from then on.")
    until: datetime | None = Field(default=None, description="Labeled or decided before then.")
    verified: bool | None = Field(default=None, description="Decided by a person, or not.")
    suspected_errors: bool = Field(
        default=False, description="Verified labels that all others make improbable; worst first."
    )
    limit: int = Field(default=1000, ge=1, le=MOST, description="At most so many, oldest first.")


class Relabeled(Value):
    """What became of it."""

    selected: int = Field(description="Labels that are as wanted.")
    queued: int = Field(description="Of those, the ones that wait for a person now.")


class Relabeling:
    """Has people look again at labels as wanted; the labels stand until they decide otherwise.

    Args:
        store: Gives the database.
        guideline: Finds a guideline by `name` or `name@version`; raises UnknownGuideline.
        label_errors: The verified labels of a guideline, the likeliest wrong first.
    """

    def __init__(
        self,
        store: Callable[[], Store],
        guideline: Callable[[str], Guideline],
        label_errors: Callable[[str], Awaitable[Sequence[Suspect]]],
    ) -> None:
        self._store = store
        self._guideline = guideline
        self._label_errors = label_errors

    async def __call__(
        self, ref: str, wanted: Wanted, *, reason: str | None = None, dry_run: bool = False
    ) -> Relabeled:
        """Select labels and queue them.

        Args:
            ref: A guideline's `name`, which is its latest version, or `name@version`.
            wanted: Which labels.
            reason: Why, as a sentence that reviewers read; made of what is wanted unless given.
            dry_run: Only count them.

        Raises:
            UnknownGuideline: There is no such guideline.
            InvalidInput: What is wanted contradicts itself, or there are too few verified labels
                to suspect any.
            Unsupported, MissingModel: As `learning.label_errors.label_errors`.
        """
        guideline = self._guideline(ref)
        check(wanted, guideline)
        check_storable(reason or "", "reason")
        suspects = None
        if wanted.suspected_errors:
            suspects = await self._label_errors(guideline.ref)
        store = self._store()
        ids = select(
            store,
            guideline.ref,
            label=wanted.label,
            confidence_below=wanted.confidence_below,
            confidence_above=wanted.confidence_above,
            since=wanted.since,
            until=wanted.until,
            verified=wanted.verified,
            suspected_errors=suspects,
            limit=wanted.limit,
        )
        if dry_run or not ids:
            return Relabeled(selected=len(ids), queued=0)
        why = (reason or "").strip() or said_of(wanted)
        queued = store.audits.requeue(ids, "relabel", why)
        return Relabeled(selected=len(ids), queued=queued)


def select(
    store: Store,
    guideline: str,
    *,
    label: str | None = None,
    confidence_below: float | None = None,
    confidence_above: float | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    verified: bool | None = None,
    suspected_errors: Sequence[Suspect] | None = None,
    limit: int = 1000,
) -> list[str]:
    """Ids of current labels that wait for nobody: oldest first, or the likeliest wrong first.

    Args:
        store: Holds the labels.
        guideline: `name@version`.
        label: Only where it is the answer, or the label of a span or token of it.
        confidence_below: Only those less sure; one without a confidence is not among them.
        confidence_above: Only those as sure or surer.
        since: Only those labeled or decided from then on.
        until: Only those labeled or decided before then.
        verified: Only those that a person did, or did not, decide.
        suspected_errors: Only those of these that are likely wrong and that nobody looked at
            again before; the likeliest wrong first.
        limit: At most so many.
    """
    found = store.current(
        guideline,
        confidence_below=confidence_below,
        confidence_above=confidence_above,
        since=_in_utc(since),
        until=_in_utc(until),
        verified=verified,
    )
    fitting = (each for each in found if label is None or label in label_names(each.answer))
    if suspected_errors is None:
        return [each.id for each, _ in zip(fitting, range(limit), strict=False)]
    current = {each.document_id: each.id for each in fitting if each.verified}
    likely = [each for each in suspected_errors if each.likely and not each.looked_again]
    likely.sort(key=lambda suspect: suspect.quality)
    ids = [current[each.document_id] for each in likely if each.document_id in current]
    return list(dict.fromkeys(ids))[:limit]


def check(wanted: Wanted, guideline: Guideline) -> None:
    """Refuse what contradicts itself or the guideline, so that nothing would ever be found.

    Raises:
        InvalidInput: Names the field.
    """
    if wanted.label is not None and wanted.label not in guideline.label_names:
        known = ", ".join(guideline.label_names)
        raise InvalidInput(
            f"`{wanted.label[:80]}` is not a label of {guideline.ref}; "
            + (f"choose one of: {known}." if known else "it has none."),
            field="label",
        )
    for field in ("confidence_below", "confidence_above"):
        value = getattr(wanted, field)
        if value is not None and not 0 <= value <= 1:
            raise InvalidInput(f"A confidence is from 0 to 1, not {value:g}.", field=field)
    below, above = wanted.confidence_below, wanted.confidence_above
    if below is not None and above is not None and below <= above:
        raise InvalidInput(
            f"No confidence is below {below:g} and yet {above:g} or more; give a higher "
            "`confidence_below`.",
            field="confidence_below",
        )
    since, until = _in_utc(wanted.since), _in_utc(wanted.until)
    if since is not None and until is not None and until <= since:
        raise InvalidInput(
            f"`until` ({until.isoformat()}) is not after `since` ({since.isoformat()}).",
            field="until",
        )
    if wanted.suspected_errors and wanted.verified is False:
        raise InvalidInput(
            "Errors are suspected among verified labels only; leave `verified` out.",
            field="verified",
        )


def said_of(wanted: Wanted) -> str:
    """What was wanted, as the reason that reviewers read."""
    if wanted.suspected_errors:
        return REASON
    parts = []
    if wanted.label is not None:
        parts.append(f"with the label {wanted.label}")
    if wanted.confidence_below is not None:
        parts.append(f"with a confidence below {wanted.confidence_below:g}")
    if wanted.confidence_above is not None:
        parts.append(f"with a confidence of {wanted.confidence_above:g} or more")
    if wanted.since is not None:
        parts.append(f"since {wanted.since:%Y-%m-%d}")
    if wanted.until is not None:
        parts.append(f"until {wanted.until:%Y-%m-%d}")
    if wanted.verified is not None:
        parts.append("decided by a person" if wanted.verified else "decided by nobody")
    return f"labels {', '.join(parts) or 'of this guideline'} are looked at again"


def _in_utc(moment: datetime | None) -> datetime | None:
    if moment is None or moment.tzinfo is not None:
        return moment
    return moment.replace(tzinfo=UTC)
