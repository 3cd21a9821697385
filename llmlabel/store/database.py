"""The connection to SQLite or PostgreSQL: the only place that knows which one it is."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from llmlabel.errors import InvalidInput, InvalidSetting, StoreUnavailable

T = TypeVar("T")

BUSY_SECONDS = 30
POOL = 20
RESTED_SECONDS = 5.0
"""A connection that was not used for so long is asked whether it still lives."""
# Rows handled by one statement; keeps IN lists below every database's limit of parameters.
ROWS_PER_STATEMENT = 1000


def now() -> datetime:
    """This moment in UTC."""
    return datetime.now(UTC)


def batches(items: Sequence[T], size: int = ROWS_PER_STATEMENT) -> Iterator[Sequence[T]]:
    """The items in slices of at most `size`."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


class Database:
    """Short read and write transactions on one database, from any thread.

    Args:
        url: An SQLAlchemy URL of an SQLite file or of PostgreSQL; the drivers are chosen here.
        clock: Tells the time; a test may give its own.

    Raises:
        InvalidSetting: The URL is of another database, or of one in memory.
    """

    def __init__(self, url: str, clock: Callable[[], datetime] = now) -> None:
        self.engine = _engine(url)
        self.clock = clock
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        # Every query sees what was committed when it began; without a transaction around them
        # PostgreSQL is asked half as often.
        self._reader = (
            self.engine
            if self.is_sqlite
            else self.engine.execution_options(isolation_level="AUTOCOMMIT")
        )
        # SQLite has one writer; queueing here is fair and cheaper than its sleeping retries.
        self._writers = threading.Lock() if self.is_sqlite else nullcontext()

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A connection for queries."""
        with _explained(), self._reader.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A transaction that commits at the end, or leaves nothing behind on an error.

        On SQLite it holds the write lock from its start, so that what it reads stays true.
        """
        with _explained(), self._writers, self.engine.begin() as connection:
            if self.is_sqlite:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection

    @contextmanager
    def maintenance(self) -> Iterator[sa.Connection]:
        """A connection outside of transactions; on SQLite this process writes nothing meanwhile."""
        with self._writers, self.engine.connect() as connection:
            yield connection.execution_options(isolation_level="AUTOCOMMIT")

    def exclusive(self, connection: sa.Connection, what: str) -> None:
        """Let nobody else who asks for the same thing pass until this transaction ends.

        A write on SQLite is alone from its start.
        """
        if not self.is_sqlite:
            number = int.from_bytes(hashlib.sha256(what.encode()).digest()[:8], "big", signed=True)
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(number)))

    def insert_new(
        self,
        connection: sa.Connection,
        table: sa.Table,
        rows: Sequence[dict[str, Any]],
        returning: Sequence[sa.Column[Any]],
    ) -> list[sa.Row[Any]]:
        """Insert the rows that break no uniqueness, and return those; the others stay as is."""
        if not rows:
            return []
        insert: Any = sqlite.insert if self.is_sqlite else postgresql.insert
        statement = insert(table).on_conflict_do_nothing().returning(*returning)
        return list(connection.execute(statement, rows))

    def add_up(
        self,
        connection: sa.Connection,
        table: sa.Table,
        rows: Sequence[dict[str, Any]],
        counters: Sequence[str],
    ) -> None:
        """Insert rows; where one with the same primary key exists, add its counters up instead."""
        if not rows:
            return
        insert: Any = (sqlite.insert if self.is_sqlite else postgresql.insert)(table)
        statement = insert.on_conflict_do_update(
            index_elements=list(table.primary_key),
            set_={name: table.c[name] + insert.excluded[name] for name in counters},
        )
        connection.execute(statement, rows)

    def may_be_forgotten(self, connection: sa.Connection) -> None:
        """Do not wait for the disk at the end: a crash of PostgreSQL may lose this transaction.

        SQLite does not wait in any case.
        """
        if not self.is_sqlite:
            connection.execute(sa.text("SET LOCAL synchronous_commit TO OFF"))

    def seconds(self, connection: sa.Connection) -> float:
        """Seconds since 1970 by the one clock of all hosts: PostgreSQL's, or this machine's."""
        if self.is_sqlite:
            return self.clock().timestamp()
        epoch = sa.extract("epoch", sa.func.clock_timestamp())
        return float(connection.execute(sa.select(epoch)).scalar_one())

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except (sa.exc.DataError, UnicodeEncodeError) as error:
        raise InvalidInput(
            "A value holds a character that the database cannot carry (NUL or a lone surrogate); "
            "remove it."
        ) from error
    except (sa.exc.OperationalError, sa.exc.TimeoutError) as error:
        cause = getattr(error, "orig", None) or error
        raise StoreUnavailable(
            f"The database cannot be used now: {cause}. Check that it runs, that its disk has "
            "room and that LLMLABEL_DATABASE_URL is right, then send the request again."
        ) from error
    except sa.exc.DatabaseError as error:
        if type(error) is not sa.exc.DatabaseError:
            raise  # a broken rule of the schema is a fault of ours
        raise StoreUnavailable(
            f"The database cannot be read: {error.orig}. Give LLMLABEL_DATABASE_URL the path of "
            "an SQLite database of llmlabel, or restore this one from a copy."
        ) from error


def _engine(url: str) -> sa.Engine:
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        raise InvalidSetting(
            f"LLMLABEL_DATABASE_URL is not a database URL ({error}); write "
            "sqlite:///path/to/file.db or postgresql://user:password@host/name."
        ) from error
    if parsed.drivername in {"postgres", "postgresql", "postgresql+psycopg"}:
        return _pinged(
            sa.create_engine(
                parsed.set(drivername="postgresql+psycopg"), pool_size=POOL, hide_parameters=True
            )
        )
    if parsed.drivername not in {"sqlite", "sqlite+pysqlite"}:
        raise InvalidSetting(
            f"LLMLABEL_DATABASE_URL names `{parsed.drivername}`; only sqlite and postgresql work."
        )
    if not parsed.database or parsed.database == ":memory:":
        raise InvalidSetting(
            "LLMLABEL_DATABASE_URL names a database in memory, which would lose accepted work; "
            "write sqlite:///path/to/file.db."
        )
    folder = Path(parsed.database).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidSetting(
            f"LLMLABEL_DATABASE_URL names a file in {folder}, which cannot be made "
            f"({error.strerror}); name one in a folder that can be written."
        ) from error
    engine = sa.create_engine(
        parsed,
        pool_size=POOL,
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
        # An error that is logged must not hold the texts that it is about.
        hide_parameters=True,
    )

    @sa.event.listens_for(engine, "connect")
    def _prepare(connection: Any, record: Any) -> None:
        # A write begins by taking the write lock, so two writers wait instead of failing.
        connection.isolation_level = "IMMEDIATE"
        connection.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA foreign_keys=ON")
        # What is deleted is written over at once, not when its place is needed.
        connection.execute("PRAGMA secure_delete=ON")

    return engine


def _pinged(engine: sa.Engine) -> sa.Engine:
    """Connections that rested are tried before they are used: the server may have gone since."""

    @sa.event.listens_for(engine, "checkin")
    def _rest(connection: Any, record: Any) -> None:
        record.info["rests_since"] = time.monotonic()

    @sa.event.listens_for(engine, "checkout")
    def _ping(connection: Any, record: Any, proxy: Any) -> None:
        if time.monotonic() - record.info.pop("rests_since", time.monotonic()) < RESTED_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise sa.exc.DisconnectionError from error  # the pool takes another one

    return engine
