from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from llmlabel.domain.document import Document
from llmlabel.errors import StoreUnavailable
from llmlabel.store import Store, connect

END_ALL = (
    "select pg_terminate_backend(pid, 60000) from pg_stat_activity "
    "where datname = current_database() and pid <> pg_backend_pid()"
)


@pytest.fixture
def postgres_url(postgres_server: Any) -> str:
    name = f"c{time.monotonic_ns()}"
    postgres_server.psql(f"create database {name};")
    return str(postgres_server.get_uri(database=name))


def end_all(url: str) -> None:
    """As a restart of the server: every connection of the store is gone."""
    other = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"))
    with other.connect() as connection:
        connection.execute(sa.text(END_ALL))
    other.dispose()


def test_connections_that_ended_while_they_rested_are_not_noticed(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "RESTED_SECONDS", 0.0)
    store = Store.open(postgres_url, recordings=tmp_path)
    store.counts()
    end_all(postgres_url)
    store.documents.add([Document.of_text("hello", id="d1")], ["sentiment@1.0.0"])
    assert store.documents.get("d1").id == "d1"
    store.close()


def test_a_connection_that_ends_in_use_fails_once_and_says_what_to_do(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "RESTED_SECONDS", 3600.0)
    store = Store.open(postgres_url, recordings=tmp_path)
    store.counts()
    end_all(postgres_url)
    with pytest.raises(StoreUnavailable, match="send the request again"):
        store.counts()
    assert store.counts().reviews_open == 0
    store.close()


def test_a_reader_sees_what_was_committed_since_it_began(store: Store) -> None:
    with store.database.read() as connection:
        many = sa.text("select count(*) from documents")
        assert connection.execute(many).scalar() == 0
        writer = threading.Thread(
            target=lambda: store.documents.add([Document.of_text("hello", id="d1")], ["ner@1.0.0"])
        )
        writer.start()
        writer.join()
        assert connection.execute(many).scalar() == 1
