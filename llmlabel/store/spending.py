"""What was spent, and what is set aside, by scope and period; see `llmlabel.llm.budget.Ledger`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import sqlalchemy as sa

from llmlabel.llm.budget import Full, Set
from llmlabel.store.database import Database
from llmlabel.store.provider_tables import spending


class Spending:
    """The counters of one database, in nanodollars."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def reserve(self, scope: str, nano: int, ceilings: Mapping[str, int]) -> Set | Full:
        """Count an amount, unless that would pass a ceiling; see `Ledger.reserve`."""
        if not ceilings:
            return self._count(scope, nano)
        with self._database.write() as connection:
            self._alone(connection, scope)
            periods = self._periods(connection)
            spent = self._spent(connection, scope, periods)
            for kind, ceiling in ceilings.items():
                already = spent.get(periods[kind], 0)
                if already + nano > ceiling:
                    self._note_refused(connection, scope, periods[kind], nano)
                    return Full(kind, already, ceiling)
            self._add(connection, scope, dict.fromkeys(periods.values(), nano))
        return Set(nano, tuple(periods.values()))

    def _count(self, scope: str, nano: int) -> Set:
        """Count what no ceiling holds for: sums that are added up need nobody to stand back.

        The label that it was spent on is saved after it, and with that also this is on the disk.
        """
        with self._database.write() as connection:
            self._database.may_be_forgotten(connection)
            periods = self._periods(connection)
            self._add(connection, scope, dict.fromkeys(periods.values(), nano))
        return Set(nano, tuple(periods.values()))

    def settle(self, scope: str, reserved: Set, nano: int) -> None:
        """Put what was spent in the place of what was set aside; see `Ledger.settle`."""
        if nano == reserved.nano:
            return
        with self._database.write() as connection:
            # Were it forgotten, more would count as spent than was, never less.
            if nano < reserved.nano:
                self._database.may_be_forgotten(connection)
            self._add(connection, scope, dict.fromkeys(reserved.periods, nano - reserved.nano))

    def spent(self, scope: str) -> dict[str, int]:
        """What is spent or set aside now, by kind of period: `total`, `month`, `day`."""
        with self._database.read() as connection:
            periods = self._periods(connection)
            spent = self._spent(connection, scope, periods)
        return {kind: spent.get(period, 0) for kind, period in periods.items()}

    def has_room(self, scope: str, ceilings: Mapping[str, int]) -> bool:
        """Whether the last call that was refused would fit now."""
        with self._database.read() as connection:
            periods = self._periods(connection)
            rows = connection.execute(
                sa.select(spending.c.period, spending.c.nano, spending.c.refused).where(
                    spending.c.scope == scope
                )
            ).all()
        spent = {row.period: row.nano for row in rows}
        refused = max((row.refused for row in rows if row.period in periods.values()), default=0)
        return all(
            spent.get(periods[kind], 0) + refused <= ceiling for kind, ceiling in ceilings.items()
        )

    def _spent(
        self, connection: sa.Connection, scope: str, periods: Mapping[str, str]
    ) -> dict[str, int]:
        rows = connection.execute(
            sa.select(spending.c.period, spending.c.nano).where(
                spending.c.scope == scope, spending.c.period.in_(periods.values())
            )
        )
        return {row.period: row.nano for row in rows}

    def _add(self, connection: sa.Connection, scope: str, amounts: Mapping[str, int]) -> None:
        rows = [
            {"scope": scope, "period": period, "nano": nano, "refused": 0}
            for period, nano in amounts.items()
        ]
        self._database.add_up(connection, spending, rows, ["nano"])

    def _note_refused(self, connection: sa.Connection, scope: str, period: str, nano: int) -> None:
        self._add(connection, scope, {period: 0})
        connection.execute(
            sa.update(spending)
            .where(spending.c.scope == scope, spending.c.period == period)
            .values(refused=nano)
        )

    def _alone(self, connection: sa.Connection, scope: str) -> None:
        self._database.exclusive(connection, f"spending:{scope}")

    def _periods(self, connection: sa.Connection) -> dict[str, str]:
        now = datetime.fromtimestamp(self._database.seconds(connection), UTC)
        return {"total": "total", "month": now.strftime("%Y-%m"), "day": now.strftime("%Y-%m-%d")}
