"""Copies a database into another one, of the same kind or not; a break is gone on with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from llmlabel.errors import Conflict, CopyDiffers
from llmlabel.store.database import Database
from llmlabel.store.transfer import begun
from llmlabel.store.transfer.pairs import Reading, first_used, pairs
from llmlabel.store.transfer.rows import Pair, Sum

FIRST_SLICE, MOST_ROWS = 200, 5000
SLICE_BYTES = 8 * 1024 * 1024

Advance = Callable[[int], None]
"""Told how many rows more are done."""


def refuse_used(target: Reading, source: str) -> None:
    """See that a target can take a copy of that source.

    Raises:
        Conflict: It holds something, or the begun copy of another source.
    """
    if begun.is_begun(target.connection):
        if begun.source_of(target.connection) != source:
            raise Conflict(
                "The target holds a copy that was begun from another database; go on with that "
                "one, or empty the target and copy anew."
            )
        return
    used = first_used(target)
    if used is not None:
        raise Conflict(
            f"The target is not empty: `{used}` has rows. Name a new database; nothing was changed."
        )


class Copy:
    """Copies every table of one database, in slices, each in one transaction of the target.

    Args:
        source: Nothing of it changes meanwhile.
        target: Migrated, and empty or the begun copy of this source.
        name: Of the source, the same after a break.
        advance: Told of rows that are done.
    """

    def __init__(
        self,
        source: Reading,
        target: Database,
        name: str,
        advance: Advance | None = None,
    ) -> None:
        self._reading = source.connection
        self.target = target
        self._name = name
        self._advance = advance or (lambda rows: None)
        with target.read() as connection:
            self._pairs = pairs(source, Reading(target, connection))

    def begin(self) -> None:
        """Mark the target as a begun copy, so that nothing works on it before it is whole.

        Raises:
            Conflict: The target is not empty, or the begun copy of another source.
        """
        with self.target.write() as connection:
            refuse_used(Reading(self.target, connection), self._name)
            if not begun.is_begun(connection):
                begun.begin(connection, self._name)

    def run(self) -> dict[str, Sum]:
        """Copy what is missing, then compare everything; `finish` makes it one to work with.

        Returns:
            What each table amounts to.

        Raises:
            Conflict: What was copied before a break has changed.
            CopyDiffers: What was written is not what was read.
        """
        self._refuse_changed()
        copied = {pair.name: self._copy(pair) for pair in self._pairs}
        self._compare(copied)
        return copied

    def compare(self) -> dict[str, Sum]:
        """Compare everything with a target that was finished before.

        Raises:
            CopyDiffers: They are not the same.
        """
        amounts = {pair.name: _sum(self._reading, pair.source, pair) for pair in self._pairs}
        self._compare(amounts)
        self._advance(sum(each.rows for each in amounts.values()))
        return amounts

    def finish(self) -> None:
        """Make the target a database to work with."""
        with self.target.write() as connection:
            if not self.target.is_sqlite:
                for pair in self._pairs:
                    _set_sequence(connection, pair)
            begun.finish(connection)

    def _refuse_changed(self) -> None:
        """What was copied before a break must be in the source as it was."""
        for pair in self._pairs:
            with self.target.read() as connection:
                before = begun.reached(connection, pair.name)
            if before.last is None:
                continue
            if _sum(self._reading, pair.source, pair, until=before.last) != before.sum:
                raise Conflict(
                    f"`{pair.name}` of the source has changed since the copy was begun; empty the "
                    "target and copy anew."
                )

    def _copy(self, pair: Pair) -> Sum:
        with self.target.read() as connection:
            before = begun.reached(connection, pair.name)
        amount = before.sum
        self._advance(amount.rows)
        for rows in _slices(self._reading, pair.source, pair, after=before.last):
            amount.add(pair, rows)
            with self.target.write() as connection:
                connection.execute(sa.insert(pair.target), [pair.written(row) for row in rows])
                begun.note(connection, pair.name, [rows[-1][key] for key in pair.key], amount)
            self._advance(len(rows))
        return amount

    def _compare(self, copied: Mapping[str, Sum]) -> None:
        with self.target.read() as connection:
            for pair in self._pairs:
                there = _sum(connection, pair.target, pair)
                if there != copied[pair.name]:
                    raise CopyDiffers(
                        f"`{pair.name}` has {copied[pair.name].rows:,} rows in the source and "
                        f"{there.rows:,} in the target, or others; the target is not to be used. "
                        "See that nothing else writes to it, empty it and copy anew."
                    )


def _sum(
    connection: sa.Connection, table: sa.Table, pair: Pair, *, until: Sequence[Any] | None = None
) -> Sum:
    amount = Sum()
    for rows in _slices(connection, table, pair, until=until):
        amount.add(pair, rows)
    return amount


def _slices(
    connection: sa.Connection,
    table: sa.Table,
    pair: Pair,
    *,
    after: Sequence[Any] | None = None,
    until: Sequence[Any] | None = None,
) -> Iterator[Sequence[sa.RowMapping]]:
    """The rows in the order of their key, in slices of some megabytes."""
    columns = [table.c[name] for name in pair.columns]
    key = [table.c[name] for name in pair.key]
    limit = FIRST_SLICE
    while True:
        query = sa.select(*columns).order_by(*key).limit(limit)
        if after is not None:
            query = query.where(_beyond(key, after))
        if until is not None:
            query = query.where(sa.not_(_beyond(key, until)))
        rows = connection.execute(query).mappings().all()
        if not rows:
            return
        yield rows
        after = [rows[-1][name] for name in pair.key]
        limit = _next_limit(rows, limit)


def _next_limit(rows: Sequence[sa.RowMapping], limit: int) -> int:
    size = sum(
        len(value) if isinstance(value, str | bytes) else 8
        for row in rows
        for value in row.values()
    )
    return max(1, min(MOST_ROWS, limit * 2, SLICE_BYTES * len(rows) // max(size, 1)))


def _beyond(key: Sequence[sa.Column[Any]], values: Sequence[Any]) -> sa.ColumnElement[bool]:
    bound = [sa.literal(value, column.type) for column, value in zip(key, values, strict=True)]
    return sa.tuple_(*key) > sa.tuple_(*bound)


def _set_sequence(connection: sa.Connection, pair: Pair) -> None:
    """Have PostgreSQL number new rows from the last one on."""
    column = pair.target.autoincrement_column
    if column is None or pair.target.schema is not None:
        return
    name = connection.execute(
        sa.select(sa.func.pg_get_serial_sequence(pair.target.name, column.name))
    ).scalar()
    last = connection.execute(sa.select(sa.func.max(column))).scalar()
    if name is not None and last is not None:
        connection.execute(sa.select(sa.func.setval(name, last)))
