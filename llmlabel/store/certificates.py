"""Certificates: at most one active per guideline version; none is ever deleted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from pydantic import JsonValue

from llmlabel.domain.promise import Certificate, CertificateStatus, Promise
from llmlabel.errors import CertifiedMeanwhile, NotFound
from llmlabel.store.database import Database
from llmlabel.store.events import Events
from llmlabel.store.gates import Gates, newer_than
from llmlabel.store.labels import matches
from llmlabel.store.tables import certificates
from llmlabel.store.trainings import Trainings


@dataclass(frozen=True, slots=True)
class Seen:
    """What a certificate is made on: the newest one before it, and since when gold counts."""

    newest: str | None
    gold_since: datetime | None


class Certificates:
    """The certificates of one database."""

    def __init__(
        self, database: Database, events: Events, gates: Gates, trainings: Trainings
    ) -> None:
        self._database = database
        self._events = events
        self._gates = gates
        self._trainings = trainings

    def add(
        self, certificate: Certificate, *, use: str | None = None, seen: Seen | None = None
    ) -> None:
        """Keep a certificate; an active one takes the place of the one before, in one step.

        With it the gate of its guideline opens. A withdrawn one ends what was in force and opens
        the gate as well: the promise that it watched over is taken back. One of another status is
        only kept, and what was proved before still holds.

        Args:
            certificate: To keep.
            use: Id of the training that it is of, put to use in the same step.
            seen: What it was made on; where that changed since, it is not kept.

        Raises:
            CertifiedMeanwhile: What was seen has changed; nothing is kept.
            NotFound, Conflict: As `Trainings.activate`; nothing is kept then.
        """
        guideline = certificate.guideline
        with self._database.write() as connection:
            self._database.exclusive(connection, f"certificate {guideline}")
            # The gate first, as a breach does, so that neither waits for the other.
            gate = self._gates.locked(connection, guideline)
            now = Seen(newest=self._newest(connection, guideline), gold_since=gate.gold_since)
            if seen not in (None, now):
                raise CertifiedMeanwhile(
                    f"Another certification of {guideline} ended while this one ran, or its "
                    "promise was found broken; certify again.",
                    field="guideline",
                )
            if certificate.status in ("active", "withdrawn"):
                self._gates.open_with(connection, guideline)
                for id in self._active_ids(connection, guideline):
                    if certificate.status == "active":
                        self._end(connection, id, "superseded", f"{certificate.id} took its place.")
                    else:
                        self._end(connection, id, "withdrawn", certificate.reason)
            if use is not None:
                self._trainings.activate_with(connection, use)
            connection.execute(
                sa.insert(certificates).values(
                    id=certificate.id,
                    guideline=guideline,
                    status=certificate.status,
                    reason=certificate.reason,
                    payload=certificate.model_dump_json(),
                    created_at=certificate.created_at,
                    ended_at=certificate.ended_at,
                )
            )
            about: dict[str, JsonValue] = {"guideline": guideline, "status": certificate.status}
            self._events.append_with(connection, "certificate.added", certificate.id, about)

    def seen(self, guideline: str) -> Seen:
        """What stands of a guideline (`name@version`) now; see `add`."""
        with self._database.read() as connection:
            return Seen(
                newest=self._newest(connection, guideline),
                gold_since=self._gates.gold_since(connection, guideline),
            )

    def get(self, id: str) -> Certificate:
        """One certificate as it stands.

        Raises:
            NotFound: There is none under that id.
        """
        with self._database.read() as connection:
            row = connection.execute(
                sa.select(certificates).where(certificates.c.id == id)
            ).one_or_none()
        if row is None:
            raise NotFound(
                f"There is no certificate `{id[:64]}`; `llmlabel certify GUIDELINE` makes one.",
                field="id",
            )
        return _certificate_of(row)

    def list(self, guideline: str | None = None) -> Sequence[Certificate]:
        """Certificates of a guideline (a name or a `name@version`), newest first."""
        query = sa.select(certificates).order_by(certificates.c.seq.desc())
        if guideline is not None:
            query = query.where(matches(certificates.c.guideline, guideline))
        with self._database.read() as connection:
            return [_certificate_of(row) for row in connection.execute(query)]

    def active(self, guideline: str) -> Certificate | None:
        """The active certificate of a guideline version; its hashes are the caller's to check."""
        with self._database.read() as connection:
            row = connection.execute(_newest("active"), {"ref": guideline}).one_or_none()
        return None if row is None else _certificate_of(row)

    def stated(self, guideline: str) -> Promise | None:
        """The promise that an operator last had proved, or tried to; None where it was withdrawn.

        That a certificate ended takes no promise back.
        """
        with self._database.read() as connection:
            row = connection.execute(_newest(None), {"ref": guideline}).one_or_none()
        if row is None or row.status == "withdrawn":
            return None
        return _certificate_of(row).promise

    def end(self, id: str, status: CertificateStatus, reason: str) -> bool:
        """End an active certificate; one that has ended stays as it is.

        Args:
            id: Its id.
            status: `void`, `breached`, `superseded` or `withdrawn`.
            reason: Why, as a sentence.

        Returns:
            Whether it was active.
        """
        with self._database.write() as connection:
            return self._end(connection, id, status, reason)

    def attempts(self, guideline: str, since: datetime | None = None) -> int:
        """How often gold from this moment on was used to certify, with or without success.

        Args:
            guideline: `name@version`.
            since: As in `Gold.items`; None counts them all.
        """
        with self._database.read() as connection:
            query = (
                sa.select(sa.func.count())
                .select_from(certificates)
                .where(certificates.c.guideline == guideline)
            )
            newer = newer_than(connection, guideline, since, certificates)
            if newer is not None:
                query = query.where(newer)
            return int(connection.execute(query).scalar_one())

    def _newest(self, connection: sa.Connection, guideline: str) -> str | None:
        query = sa.select(certificates.c.id).where(certificates.c.guideline == guideline)
        return connection.execute(query.order_by(certificates.c.seq.desc()).limit(1)).scalar()

    def _active_ids(self, connection: sa.Connection, guideline: str) -> Sequence[str]:
        found = connection.execute(
            sa.select(certificates.c.id).where(
                certificates.c.guideline == guideline, certificates.c.status == "active"
            )
        )
        return found.scalars().all()

    def _end(
        self, connection: sa.Connection, id: str, status: CertificateStatus, reason: str
    ) -> bool:
        ended = connection.execute(
            sa.update(certificates)
            .where(certificates.c.id == id, certificates.c.status == "active")
            .values(status=status, reason=reason, ended_at=self._database.clock())
        )
        if ended.rowcount:
            about: dict[str, JsonValue] = {"status": status, "reason": reason}
            self._events.append_with(connection, "certificate.ended", id, about)
        return bool(ended.rowcount)


# Asked for every job; making the statement takes longer than it does.
@lru_cache(maxsize=2)
def _newest(status: str | None) -> sa.Select[Any]:
    """The last one with a status; None: whatever became of it, if it proved its promise."""
    wanted = certificates.c.status
    return (
        sa.select(certificates)
        .where(
            certificates.c.guideline == sa.bindparam("ref"),
            wanted != "declined" if status is None else wanted == status,
        )
        .order_by(certificates.c.seq.desc())
        .limit(1)
    )


def _certificate_of(row: sa.Row[Any]) -> Certificate:
    return Certificate.model_validate_json(row.payload).model_copy(
        update={"status": row.status, "reason": row.reason, "ended_at": row.ended_at}
    )
