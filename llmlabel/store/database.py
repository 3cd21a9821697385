"""The connection to SQLite or PostgreSQL: the only place that knows which one it is."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from llmlabel.domain.project import DEFAULT_PROJECT
from llmlabel.errors import InvalidInput, StoreUnavailable
from llmlabel.store.connect import ATTACHED, connected, file_beside, in_schema

T = TypeVar("T")


QUEUE_SCHEMA = "dbos"
"""Where the durable queue keeps its tables on PostgreSQL."""

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
        project: Whose database it is; see `of_project`.
        service: The default project's database, if this is another's.

    Raises:
        InvalidSetting: The URL is of another database, or of one in memory.
    """

    def __init__(
        self,
        url: str | sa.URL,
        clock: Callable[[], datetime] = now,
        *,
        project: str = DEFAULT_PROJECT,
        service: Database | None = None,
    ) -> None:
        self.engine: sa.Engine
        self.clock = clock
        self.project = project
        if service is None:
            self.engine = connected(url)
        elif service.is_sqlite:
            self.engine = connected(url, attached=service.file)
        else:
            self.engine = in_schema(service.engine, schema_of(project))
        self.is_sqlite: bool = self.engine.dialect.name == "sqlite"
        # Every query sees what was committed when it began; without a transaction around them
        # PostgreSQL is asked half as often.
        self._reader = (
            self.engine
            if self.is_sqlite
            else self.engine.execution_options(isolation_level="AUTOCOMMIT")
        )
        # SQLite has one writer; queueing here is fair and cheaper than its sleeping retries. A
        # write of a project holds the default project's file as well.
        self._writers: AbstractContextManager[object] = (
            service._writers if service else threading.Lock() if self.is_sqlite else nullcontext()
        )

    def of_project(self, project: str) -> Database:
        """The database of a project of the service whose default project this one is.

        On PostgreSQL it is a schema of the same database, on SQLite a file of its own, and the
        default project's file is attached to its connections: a transaction of the project's can
        then add jobs to the queue, which is one for all projects. Nothing of either is made here;
        see `migrate.upgrade`.
        """
        if project == self.project:
            return self
        assert self.project == DEFAULT_PROJECT, "projects hang on the default one"
        file = self.file_of(project)
        url = self.engine.url if file is None else sa.URL.create("sqlite", database=str(file))
        return Database(url, self.clock, project=project, service=self)

    @property
    def file(self) -> Path | None:
        """The file of an SQLite database."""
        return Path(str(self.engine.url.database)).absolute() if self.is_sqlite else None

    def file_of(self, project: str) -> Path | None:
        """The file of a project of the same service, where that is on SQLite."""
        if self.file is None or project == self.project:
            return self.file
        return file_beside(self.file, project)

    @property
    def queue_schema(self) -> str | None:
        """Where this database's connections find the durable queue's tables; None: unqualified."""
        if not self.is_sqlite:
            return QUEUE_SCHEMA
        return None if self.project == DEFAULT_PROJECT else ATTACHED

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

    def exclusive(self, connection: sa.Connection, what: str, *, forgettable: bool = False) -> None:
        """Let nobody else who asks for the same thing pass until this transaction ends.

        A write on SQLite is alone from its start.

        Args:
            connection: In a transaction.
            what: Names the thing.
            forgettable: As `may_be_forgotten`, without another round trip.
        """
        if not self.is_sqlite:
            if self.project != DEFAULT_PROJECT:
                what = f"{self.project}/{what}"
            number = int.from_bytes(hashlib.sha256(what.encode()).digest()[:8], "big", signed=True)
            asked = [sa.func.pg_advisory_xact_lock(number)]
            if forgettable:
                asked.append(sa.func.set_config("synchronous_commit", "off", True))
            connection.execute(sa.select(*asked))

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
        statement = _insert_new(table, tuple(returning), self.is_sqlite)
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
        connection.execute(_add_up(table, tuple(counters), self.is_sqlite), rows)

    def may_be_forgotten(self, connection: sa.Connection) -> None:
        """Do not wait for the disk at the end: a crash of PostgreSQL may lose this transaction.

        SQLite does not wait in any case.
        """
        if not self.is_sqlite:
            connection.execute(sa.text("SET LOCAL synchronous_commit TO OFF"))

    def seconds(self, connection: sa.Connection) -> float:
        """Seconds since 1970 by the one clock of all hosts: PostgreSQL's, or this machine's."""
        return self.value_and_seconds(connection, sa.null())[1]

    def value_and_seconds(
        self, connection: sa.Connection, value: sa.ColumnElement[Any]
    ) -> tuple[Any, float]:
        """A value, such as a scalar query's, and `seconds`, in one round trip."""
        if self.is_sqlite:
            return connection.execute(sa.select(value)).scalar(), self.clock().timestamp()
        epoch = sa.extract("epoch", sa.func.clock_timestamp())
        row = connection.execute(sa.select(value, epoch)).one()
        return row[0], float(row[1])

    def close(self) -> None:
        """Close every connection; on PostgreSQL those of all projects are the default one's."""
        if self.is_sqlite or self.project == DEFAULT_PROJECT:
            self.engine.dispose()


# Making a statement takes longer than running it on a few rows.
@lru_cache(maxsize=128)
def _insert_new(
    table: sa.Table, returning: tuple[sa.Column[Any], ...], is_sqlite: bool
) -> sa.Insert:
    insert: Any = (sqlite.insert if is_sqlite else postgresql.insert)(table)
    statement: sa.Insert = insert.on_conflict_do_nothing().returning(*returning)
    return statement


@lru_cache(maxsize=32)
def _add_up(table: sa.Table, counters: tuple[str, ...], is_sqlite: bool) -> sa.Insert:
    insert: Any = (sqlite.insert if is_sqlite else postgresql.insert)(table)
    statement: sa.Insert = insert.on_conflict_do_update(
        index_elements=list(table.primary_key),
        set_={name: table.c[name] + insert.excluded[name] for name in counters},
    )
    return statement


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


def schema_of(project: str) -> str:
    """The PostgreSQL schema of a project other than the default one."""
    return f"project_{project}"
