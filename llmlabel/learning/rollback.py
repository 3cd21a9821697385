"""Going back to an earlier training, or to none."""

from __future__ import annotations

from collections.abc import Sequence

from llmlabel.domain.guideline import Guideline
from llmlabel.errors import InvalidInput, NotFound
from llmlabel.store import Store
from llmlabel.store.learning_records import TrainingRow

NONE = "none"


def roll_back(store: Store, guideline: Guideline, to: str | None = None) -> TrainingRow | None:
    """Put an earlier training to use, from the next batch on.

    Args:
        store: Holds the trainings.
        guideline: Whose.
        to: Id of a training of this text of the guideline, or the beginning of one; `none` for
            the guideline's labelers as they are. By default the newest before the one in use,
            or none where there is no earlier one.

    Returns:
        The training in use now, if any.

    Raises:
        InvalidInput: Nothing is in use and no id was given; or the id is of another guideline,
            of another text of it, or of several trainings.
        NotFound: There is no such training.
        Conflict: It did not end well, so that there is nothing to use.
    """
    if to == NONE:
        store.trainings.deactivate(guideline.ref)
        return None
    rows = store.trainings.list(guideline.ref)
    if to is not None:
        return store.trainings.activate(_chosen(rows, guideline, to).id)
    usable = [
        row
        for row in rows
        if row.guideline_sha256 == guideline.sha256 and row.payload_sha256 is not None
    ]
    place = next((at for at, row in enumerate(usable) if row.active), None)
    if place is None:
        raise InvalidInput(
            f"No training of {guideline.ref} is in use, so there is nothing to go back from; "
            f"name the one to use (`llmlabel train list {guideline.ref}`).",
            field="id",
        )
    if place + 1 == len(usable):
        store.trainings.deactivate(guideline.ref)
        return None
    return store.trainings.activate(usable[place + 1].id)


def _chosen(rows: Sequence[TrainingRow], guideline: Guideline, to: str) -> TrainingRow:
    found = [row for row in rows if row.id.startswith(to)]
    if not found:
        raise NotFound(
            f"{guideline.ref} has no training `{to[:64]}`; `llmlabel train list {guideline.ref}` "
            "names them.",
            field="id",
        )
    if len(found) > 1:
        raise InvalidInput(
            f"{len(found)} trainings begin with `{to[:64]}`; write more of the id.", field="id"
        )
    if found[0].guideline_sha256 != guideline.sha256:
        raise InvalidInput(
            f"The training {found[0].id} was made for another text of {guideline.ref}, which has "
            f"changed since; train anew with `llmlabel train {guideline.ref}`.",
            field="id",
        )
    return found[0]
