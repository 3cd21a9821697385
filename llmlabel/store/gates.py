"""Gates: whether answers under a guideline may be accepted, and from when on gold counts."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from pydantic import JsonValue

from llmlabel.errors import InvalidInput
from llmlabel.store.database import Database
from llmlabel.store.events import Events
from llmlabel.store.learning_records import Gate
from llmlabel.store.outbox import gate_notice, put
from llmlabel.store.tables import certificates, gates, gold, verdicts

_MARKS = {"gold": "after_gold", "verdicts": "after_verdict", "certificates": "after_certificate"}


class Gates:
    """The gates of one database, one per guideline version; open until they are closed."""

    def __init__(self, database: Database, events: Events) -> None:
        self._database = database
        self._events = events

    def get(self, guideline: str) -> Gate:
        """The gate as it stands.

        Args:
            guideline: `name@version`.
        """
        with self._database.read() as connection:
            row = connection.execute(_of_guideline(), {"ref": guideline}).one_or_none()
        if row is None:
            return Gate()
        return Gate(
            open=row.open,
            reason=row.reason,
            closed_at=row.closed_at,
            gold_since=row.gold_since,
            audit_rate=row.audit_rate,
        )

    def close(
        self,
        guideline: str,
        reason: str,
        *,
        certificate: str | None = None,
        payload: dict[str, JsonValue] | None = None,
    ) -> bool:
        """Send everything to review from now on; gold from before this moment counts no more.

        Args:
            guideline: `name@version`.
            reason: Why, as a sentence.
            certificate: Id of the certificate that is broken; it ends as `breached` with it.
            payload: More for the event `gate.closed`: the estimate and its interval.

        Returns:
            Whether it was open; a closed gate stays as it is, with its first reason, and so does
            an open one where that certificate has ended: another one decides.
        """
        when = self._database.clock()
        with self._database.write() as connection:
            if not self.locked(connection, guideline).open:
                return False
            if certificate is not None and not _is_active(connection, certificate):
                return False
            marks = {
                _MARKS[table.name]: connection.execute(
                    sa.select(sa.func.coalesce(sa.func.max(table.c.seq), 0))
                ).scalar_one()
                for table in (gold, verdicts, certificates)
            }
            self._set(
                connection,
                guideline,
                open=False,
                reason=reason,
                closed_at=when,
                gold_since=when,
                **marks,
            )
            if certificate is not None:
                connection.execute(
                    sa.update(certificates)
                    .where(certificates.c.id == certificate)
                    .values(status="breached", reason=reason, ended_at=when)
                )
            about = {"reason": reason, "certificate": certificate, **(payload or {})}
            self._events.append_with(connection, "gate.closed", guideline, about)
            put(connection, when, [gate_notice("gate.closed", guideline, reason, certificate)])
        return True

    def set_audit_rate(self, guideline: str, rate: float | None, reason: str = "") -> None:
        """Audit with this probability instead of the policy's; None goes back to the policy's.

        Raises:
            InvalidInput: It is no probability.
        """
        if rate is not None and not 0 <= rate <= 1:
            raise InvalidInput(
                f"The audit rate {rate} is no probability; give one from 0 to 1.",
                field="audit_rate",
            )
        with self._database.write() as connection:
            if self.locked(connection, guideline).audit_rate == rate:
                return
            self._set(connection, guideline, audit_rate=rate)
            self._events.append_with(
                connection, "audit.rate", guideline, {"rate": rate, "reason": reason}
            )

    def open_with(self, connection: sa.Connection, guideline: str) -> None:
        """Open the gate within a transaction; the audit rate is the policy's again."""
        row = self.locked(connection, guideline)
        self._set(connection, guideline, open=True, reason="", closed_at=None, audit_rate=None)
        if not row.open:
            self._events.append_with(connection, "gate.opened", guideline)
            put(connection, self._database.clock(), [gate_notice("gate.opened", guideline)])

    def gold_since(self, connection: sa.Connection, guideline: str) -> datetime | None:
        """From when on gold counts, within a transaction; None where the gate never closed."""
        query = sa.select(gates.c.gold_since).where(gates.c.guideline == guideline)
        return connection.execute(query).scalar()

    def locked(self, connection: sa.Connection, guideline: str) -> sa.Row[Any]:
        """The row of the gate; until the transaction ends nobody else changes it."""
        fresh = {
            "guideline": guideline,
            "open": True,
            "reason": "",
            "after_gold": 0,
            "after_verdict": 0,
            "after_certificate": 0,
        }
        self._database.insert_new(connection, gates, [fresh], [gates.c.guideline])
        return connection.execute(
            sa.select(gates).where(gates.c.guideline == guideline).with_for_update()
        ).one()

    def _set(self, connection: sa.Connection, guideline: str, **values: object) -> None:
        connection.execute(sa.update(gates).where(gates.c.guideline == guideline).values(**values))


@lru_cache(maxsize=1)
def _of_guideline() -> sa.Select[Any]:
    return sa.select(gates).where(gates.c.guideline == sa.bindparam("ref"))


def _is_active(connection: sa.Connection, certificate: str) -> bool:
    status = sa.select(certificates.c.status).where(certificates.c.id == certificate)
    return connection.execute(status).scalar() == "active"


def newer_than(
    connection: sa.Connection, guideline: str | None, since: datetime | None, table: sa.Table
) -> sa.ColumnElement[bool] | None:
    """Whether a row of gold, verdicts or certificates came after a moment; None for always.

    The moment a gate closed stands for the rows that were there, so that a clock that is set
    back neither hides new rows nor brings old ones back.
    """
    if since is None:
        return None
    column = gates.c[_MARKS[table.name]]
    query = sa.select(column).where(gates.c.gold_since == since)
    if guideline is not None:
        query = query.where(gates.c.guideline == guideline)
    mark = connection.execute(query.limit(1)).scalar()
    newer: sa.ColumnElement[bool] = (
        table.c.created_at >= since if mark is None else table.c.seq > mark
    )
    return newer
