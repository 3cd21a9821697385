"""Rows in every table there is, also in those that a later release adds."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from llmlabel.store.database import Database
from llmlabel.store.tables import UtcDateTime, metadata

AWKWARD = ("", "a 'quoted' \\ text\n", "Zürich – 東京 🙂", "e\u0301", "0", "null")


def fill(database: Database, rows: int = 7, seed: int = 1) -> None:
    """Put rows into every table, with values that are easy to get wrong."""
    chance = random.Random(seed)
    made: dict[str, list[dict[str, Any]]] = {}
    with database.write() as connection:
        for table in metadata.sorted_tables:
            made[table.name] = [
                {column.name: _value(column, n, made, chance) for column in table.columns}
                for n in range(1, rows + 1)
            ]
            connection.execute(sa.insert(table), made[table.name])


def content(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, in an order of its own."""
    with database.read() as connection:
        return {
            table.name: sorted(map(tuple, connection.execute(sa.select(table))), key=repr)
            for table in metadata.sorted_tables
        }


def _value(
    column: sa.Column[Any], n: int, made: dict[str, list[dict[str, Any]]], chance: random.Random
) -> Any:
    for key in column.foreign_keys:
        return made[key.column.table.name][n - 1][key.column.name]
    if column.nullable and chance.random() < 0.3:
        return None
    match column.type:
        case UtcDateTime():
            value = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(
                microseconds=chance.getrandbits(45)
            )
        case sa.Boolean():
            value = chance.random() < 0.5
        case sa.Float():
            value = chance.choice([0.1 + 0.2, -0.0, 1e-300, 3.0, chance.random()])
        case sa.LargeBinary():
            value = chance.randbytes(chance.randrange(3000))
        case sa.Integer() if column.primary_key:
            value = n * 3  # not without gaps
        case sa.BigInteger():
            value = n + 2**40
        case sa.Integer():
            value = n
        case sa.String():
            value = _text(column, n, chance)
        case kind:
            raise AssertionError(f"{column} has a type that is not known here: {kind}")
    return value


def _text(column: sa.Column[Any], n: int, chance: random.Random) -> str:
    length = column.type.length
    if length is None or length >= 64:
        return f"{chance.choice(AWKWARD)}{n} {column.name}"
    return f"{n}{column.name}"[:length]
