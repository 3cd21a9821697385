"""What a target remembers of a copy that is under way into it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from llmlabel.store.schema_state import BEGUN_TABLE
from llmlabel.store.transfer.rows import Sum

_HEADER = "*"

_begun = sa.Table(
    BEGUN_TABLE,
    sa.MetaData(),
    sa.Column("name", sa.String(128), primary_key=True),
    sa.Column("last", sa.Text, nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("total", sa.String(64), nullable=False),
)


@dataclass(frozen=True)
class Reached:
    """How far one table got: the key of the last row, and what the rows up to it amount to."""

    last: Sequence[Any] | None
    sum: Sum


def is_begun(connection: sa.Connection) -> bool:
    """Whether a copy was begun into this database and not finished."""
    return sa.inspect(connection).has_table(BEGUN_TABLE)


def begin(connection: sa.Connection, source: str) -> None:
    """Note that a copy begins, and what of."""
    _begun.create(connection)
    connection.execute(
        sa.insert(_begun).values(name=_HEADER, last=json.dumps(source), rows=0, total="0")
    )


def source_of(connection: sa.Connection) -> str:
    """What a begun copy is of."""
    query = sa.select(_begun.c.last).where(_begun.c.name == _HEADER)
    return str(json.loads(connection.execute(query).scalar_one()))


def reached(connection: sa.Connection, name: str) -> Reached:
    """How far a table got."""
    row = connection.execute(sa.select(_begun).where(_begun.c.name == name)).first()
    if row is None:
        return Reached(None, Sum())
    return Reached(json.loads(row.last), Sum.from_hex(row.rows, row.total))


def note(connection: sa.Connection, name: str, last: Sequence[Any], sum: Sum) -> None:
    """Note how far a table got, in the transaction that brought it there."""
    connection.execute(sa.delete(_begun).where(_begun.c.name == name))
    connection.execute(
        sa.insert(_begun).values(
            name=name, last=json.dumps(list(last)), rows=sum.rows, total=sum.hex
        )
    )


def finish(connection: sa.Connection) -> None:
    """The database is a whole copy now, and one to work with."""
    _begun.drop(connection)
