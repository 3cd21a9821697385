"""Trainings: one at a time per guideline; what was learned is put to use in one step, or not."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from pydantic import JsonValue

from llmlabel.errors import Conflict, ModelCorrupt, NotFound, TrainingUnderWay
from llmlabel.store.database import Database
from llmlabel.store.events import Events
from llmlabel.store.labels import matches
from llmlabel.store.learning_records import TrainingRow
from llmlabel.store.tables import trainings

HEARTBEAT_LAPSE = timedelta(seconds=60)
"""A running training that gave no sign of life for so long is dead; beat much more often."""

_PLAIN = [column for column in trainings.c if column.name not in {"payload", "seq", "beat_at"}]


class Trainings:
    """The trainings of one database."""

    def __init__(self, database: Database, events: Events) -> None:
        self._database = database
        self._events = events

    def begin(self, guideline: str, guideline_sha256: str, by: str) -> str:
        """Begin a training; returns its id.

        One that died is marked as failed and taken over, however it ended.

        Args:
            guideline: `name@version`.
            guideline_sha256: Of its file: what is learned is good for this very text.
            by: Who or what started it, for people.

        Raises:
            TrainingUnderWay: Another training of this guideline is alive.
        """
        when = self._database.clock()
        alive = None
        id = f"t-{uuid.uuid4().hex}"
        with self._database.write() as connection:
            self._database.exclusive(connection, f"training {guideline}")
            running = connection.execute(
                sa.select(trainings.c.id, trainings.c.beat_at, trainings.c.started_by).where(
                    trainings.c.guideline == guideline, trainings.c.status == "running"
                )
            ).all()
            for other in running:
                if lapse(other.beat_at, when) < HEARTBEAT_LAPSE:
                    alive = other
                    if other.beat_at > when:
                        # The clock was set back. A living training beats by the new clock
                        # soon; a dead one has to lapse from now on, not from that future.
                        self._set(connection, other.id, beat_at=when)
                else:
                    self._end(
                        connection,
                        other.id,
                        "training.lost",
                        status="failed",
                        error="It stopped without a word; the training after it took over.",
                    )
            if alive is None:
                connection.execute(
                    sa.insert(trainings).values(
                        id=id,
                        guideline=guideline,
                        guideline_sha256=guideline_sha256,
                        started_by=by,
                        status="running",
                        active=False,
                        beat_at=when,
                        report="{}",
                        created_at=when,
                    )
                )
        if alive is not None:
            raise TrainingUnderWay(
                f"A training of {guideline} is under way ({alive.id}, started by "
                f"{alive.started_by}); wait until it ends. If its process died, it is taken over "
                f"{HEARTBEAT_LAPSE.seconds} seconds after its last sign of life.",
                field="guideline",
            )
        return id

    def beat(self, id: str) -> bool:
        """Say that a training is alive; False when it was taken over and should stop."""
        with self._database.write() as connection:
            changed = connection.execute(
                sa.update(trainings)
                .where(trainings.c.id == id, trainings.c.status == "running")
                .values(beat_at=self._database.clock())
            )
            return bool(changed.rowcount)

    def finish(
        self, id: str, payload: bytes | None, report: dict[str, JsonValue], activate: bool
    ) -> TrainingRow:
        """End a training with what it learned; with `activate` it is in use from now on.

        Args:
            id: From `begin`.
            payload: What was learned; None when it was not worth keeping.
            report: Scores and the ids it was fitted on.
            activate: Put it to use in place of the one before, in the same step.

        Raises:
            NotFound: There is none under that id.
            Conflict: It was taken over or has ended; nothing changes then.
        """
        with self._database.write() as connection:
            row = self._locked(connection, id)
            if row.status != "running":
                raise Conflict(
                    f"The training {id} is `{row.status}` already ({row.error or 'done'}); what "
                    "it learned is not used. Start a new one.",
                    field="id",
                )
            self._end(
                connection,
                id,
                "training.done",
                status="done",
                payload=payload,
                payload_sha256=None if payload is None else hashlib.sha256(payload).hexdigest(),
                payload_bytes=None if payload is None else len(payload),
                report=json.dumps(report),
            )
            if activate and payload is not None:
                self._activate(connection, row)
            return self._row(connection, id)

    def fail(self, id: str, why: str) -> None:
        """End a training that could not be done; the one in use stays. Ended ones stay as is."""
        with self._database.write() as connection:
            if self._locked(connection, id).status == "running":
                self._end(connection, id, "training.failed", status="failed", error=why)

    def active(self, guideline: str, guideline_sha256: str) -> TrainingRow | None:
        """The training in use for this very text of a guideline; cheap."""
        with self._database.read() as connection:
            given = {"ref": guideline, "sha256": guideline_sha256}
            row = connection.execute(_in_use(), given).one_or_none()
        return None if row is None else _row_of(row)

    def get(self, id: str) -> TrainingRow:
        """One training.

        Raises:
            NotFound: There is none under that id.
        """
        with self._database.read() as connection:
            return self._row(connection, id)

    def last_began(self, guideline: str) -> datetime | None:
        """When the newest training of a guideline (`name@version`) began, however it ended."""
        query = sa.select(sa.func.max(trainings.c.created_at)).where(
            trainings.c.guideline == guideline
        )
        with self._database.read() as connection:
            return connection.execute(query).scalar()

    def payload(self, id: str) -> bytes:
        """What a training learned.

        Raises:
            NotFound: There is no such training, or it kept nothing.
            ModelCorrupt: It is not what the training wrote.
        """
        query = sa.select(trainings.c.guideline, trainings.c.payload, trainings.c.payload_sha256)
        with self._database.read() as connection:
            row = connection.execute(query.where(trainings.c.id == id)).one_or_none()
        if row is None or row.payload is None:
            raise NotFound(f"The training `{id[:64]}` kept nothing that was learned.", field="id")
        content = bytes(row.payload)
        if hashlib.sha256(content).hexdigest() != row.payload_sha256:
            raise ModelCorrupt(
                f"What the training {id} learned of {row.guideline} was changed in the database "
                f"since; train again with `llmlabel train {row.guideline}`, or go back with "
                f"`llmlabel train rollback {row.guideline}`.",
                field="training",
            )
        return content

    def list(self, guideline: str | None = None) -> Sequence[TrainingRow]:
        """Trainings of a guideline (a name or a `name@version`), newest first."""
        query = sa.select(*_PLAIN).order_by(trainings.c.seq.desc())
        if guideline is not None:
            query = query.where(matches(trainings.c.guideline, guideline))
        with self._database.read() as connection:
            return [_row_of(row) for row in connection.execute(query)]

    def activate(self, id: str) -> TrainingRow:
        """Use this training from now on: an earlier one is a rollback.

        Raises:
            NotFound: There is none under that id.
            Conflict: It did not end well, or kept nothing that was learned.
        """
        with self._database.write() as connection:
            self.activate_with(connection, id)
            return self._row(connection, id)

    def activate_with(self, connection: sa.Connection, id: str) -> None:
        """As `activate`, within a transaction."""
        row = self._locked(connection, id)
        if row.status != "done" or row.payload_sha256 is None:
            raise Conflict(
                f"The training {id} is `{row.status}` and holds nothing to use; choose one "
                "that is done.",
                field="id",
            )
        self._activate(connection, row)

    def deactivate(self, guideline: str) -> bool:
        """Use none of a guideline's (`name@version`) trainings; returns whether one was in use."""
        with self._database.write() as connection:
            self._database.exclusive(connection, f"training {guideline}")
            ids = self._deactivate(connection, trainings.c.guideline == guideline)
            for id in ids:
                self._events.append_with(
                    connection, "training.deactivated", id, {"guideline": guideline}
                )
        return bool(ids)

    def _activate(self, connection: sa.Connection, row: sa.Row[Any]) -> None:
        self._database.exclusive(connection, f"training {row.guideline}")
        before = self._deactivate(
            connection,
            sa.and_(
                trainings.c.guideline == row.guideline,
                trainings.c.guideline_sha256 == row.guideline_sha256,
            ),
        )
        self._set(connection, row.id, active=True)
        about: dict[str, JsonValue] = {"guideline": row.guideline, "before": list(before)}
        self._events.append_with(connection, "training.activated", row.id, about)

    def _deactivate(
        self, connection: sa.Connection, where: sa.ColumnElement[bool]
    ) -> Sequence[str]:
        return (
            connection.execute(
                sa.update(trainings)
                .where(where, trainings.c.active)
                .values(active=False)
                .returning(trainings.c.id)
            )
            .scalars()
            .all()
        )

    def _end(self, connection: sa.Connection, id: str, kind: str, **values: Any) -> None:
        self._set(connection, id, ended_at=self._database.clock(), **values)
        about = {"error": values["error"]} if "error" in values else {}
        self._events.append_with(connection, kind, id, about)

    def _set(self, connection: sa.Connection, id: str, **values: Any) -> None:
        connection.execute(sa.update(trainings).where(trainings.c.id == id).values(**values))

    def _locked(self, connection: sa.Connection, id: str) -> sa.Row[Any]:
        row = connection.execute(
            sa.select(*_PLAIN).where(trainings.c.id == id).with_for_update()
        ).one_or_none()
        if row is None:
            raise _no_training(id)
        return row

    def _row(self, connection: sa.Connection, id: str) -> TrainingRow:
        row = connection.execute(sa.select(*_PLAIN).where(trainings.c.id == id)).one_or_none()
        if row is None:
            raise _no_training(id)
        return _row_of(row)


@lru_cache(maxsize=1)
def _in_use() -> sa.Select[Any]:
    return sa.select(*_PLAIN).where(
        trainings.c.guideline == sa.bindparam("ref"),
        trainings.c.guideline_sha256 == sa.bindparam("sha256"),
        trainings.c.active,
    )


def lapse(beat_at: datetime, when: datetime) -> timedelta:
    """Time since the last sign of life; never negative, also when the clock was set back."""
    return max(when - beat_at, timedelta(0))


def _row_of(row: sa.Row[Any]) -> TrainingRow:
    fields = dict(row._mapping)
    return TrainingRow(**fields | {"report": json.loads(fields["report"])})


def _no_training(id: str) -> NotFound:
    return NotFound(
        f"There is no training `{id[:64]}`; `llmlabel train list` names them.", field="id"
    )
