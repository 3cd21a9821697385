"""Connections to SQLite or PostgreSQL, and which of a service's databases they see."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from llmlabel.errors import InvalidSetting

BUSY_SECONDS = 30
POOL = 20
RESTED_SECONDS = 5.0
"""A connection that was not used for so long is asked whether it still lives."""

ATTACHED = "service"
"""Name under which a project's SQLite connections see the default project's file."""

_SCHEMA = "llmlabel_schema"


def file_beside(file: Path, project: str) -> Path:
    """The SQLite file of a project, given the default project's."""
    return file.parent / "projects" / f"{project}.db"


def parsed_url(url: str | sa.URL) -> sa.URL:
    """The parts of a database's URL.

    Raises:
        InvalidSetting: It is none; what is said of it never repeats it, for it may hold a password.
    """
    try:
        return sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        raise InvalidSetting(
            "LLMLABEL_DATABASE_URL is not a database URL; write sqlite:///path/to/file.db or "
            "postgresql://user:password@host/name, with %-codes for signs such as @ in a password."
        ) from None


def connected(url: str | sa.URL, attached: Path | None = None) -> sa.Engine:
    """Connections to a database.

    Args:
        url: An SQLAlchemy URL of an SQLite file or of PostgreSQL; the drivers are chosen here.
        attached: An SQLite file whose tables every connection finds behind its own.

    Raises:
        InvalidSetting: The URL is of another database, or of one in memory.
    """
    parsed = parsed_url(url)
    if parsed.drivername in {"postgres", "postgresql", "postgresql+psycopg"}:
        return _switched(
            _pinged(
                sa.create_engine(
                    parsed.set(drivername="postgresql+psycopg"),
                    pool_size=POOL,
                    hide_parameters=True,
                )
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
        if attached is not None:
            connection.execute(f"ATTACH DATABASE ? AS {ATTACHED}", (str(attached),))
            connection.execute(f"PRAGMA {ATTACHED}.synchronous=NORMAL")
        # Without the name of one, these two are of all files of the connection.
        connection.execute("PRAGMA journal_mode=WAL")
        # What is deleted is written over at once, not when its place is needed.
        connection.execute("PRAGMA secure_delete=ON")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA foreign_keys=ON")

    return engine if attached is None else _reaching(engine)


def _reaching(engine: sa.Engine) -> sa.Engine:
    """Connections on which who says a schema by a placeholder means the attached file's.

    The durable queue does so for its tables. On SQLite it takes the placeholder for nothing, which
    is the connection's own file; the queue's tables are in the other.
    """

    @sa.event.listens_for(engine, "set_connection_execution_options")
    def _name(connection: sa.Connection, options: dict[str, Any]) -> None:
        names = options.get("schema_translate_map")
        if names:
            reached = {placeholder: schema or ATTACHED for placeholder, schema in names.items()}
            options["schema_translate_map"] = reached

    return engine


def in_schema(engine: sa.Engine, schema: str) -> sa.Engine:
    """The same PostgreSQL connections, which see the tables of one schema only while used here."""
    return engine.execution_options(**{_SCHEMA: schema})


def _switched(engine: sa.Engine) -> sa.Engine:
    """Connections that go from one schema to another when another project takes them.

    One pool serves all projects, so that a service holds as many connections with a hundred
    projects as with one. A connection whose schema cannot be set is not handed out.
    """

    @sa.event.listens_for(engine, "engine_connect")
    def _switch(connection: sa.Connection) -> None:
        wanted = connection.get_execution_options().get(_SCHEMA)
        info = connection.connection.info
        if info.get(_SCHEMA) == wanted:
            return
        raw: Any = connection.connection.dbapi_connection
        try:
            # Outside of a transaction, whose end could take it back.
            before, raw.autocommit = raw.autocommit, True
            if wanted is None:
                raw.execute("RESET search_path")
            else:
                quoted = engine.dialect.identifier_preparer.quote_identifier(str(wanted))
                raw.execute(f"SET search_path TO {quoted}")
            raw.autocommit = before
        except engine.dialect.loaded_dbapi.Error as error:
            connection.invalidate()
            raise sa.exc.OperationalError("SET search_path", None, error) from error
        info[_SCHEMA] = wanted

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
