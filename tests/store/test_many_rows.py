"""SQLite finds the rows of a few documents by their key, however many others there are."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from llmlabel.domain.document import Document
from llmlabel.domain.label import Label, Route
from llmlabel.store import Failure, Store

GUIDELINE = "sentiment@1.0.0"
FAILURE = Failure(code="x", detail="For a reason.")
EVERY = 10
"""The count is told after so many instructions of SQLite's machine."""


class Steps:
    """Counts what SQLite does for the connections that are opened from now on."""

    def __init__(self, engine: sa.Engine) -> None:
        self.made = 0
        engine.dispose()

        @sa.event.listens_for(engine, "connect")
        def _count(connection: sqlite3.Connection, record: object) -> None:
            connection.set_progress_handler(self._tell, EVERY)

    def _tell(self) -> int:
        self.made += EVERY
        return 0

    def of(self, work: Callable[[], object]) -> int:
        work()  # so that connections are made and statements prepared
        before = self.made
        work()
        return self.made - before


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Callable[[str], Store]]:
    opened: list[Store] = []

    def open_one(name: str) -> Store:
        url = f"sqlite:///{tmp_path / name}.db"
        opened.append(Store.open(url, recordings=tmp_path / "recordings"))
        return opened[-1]

    yield open_one
    for store in opened:
        store.close()


def test_what_a_job_and_its_waiter_ask_takes_no_longer_where_many_documents_wait(
    stores: Callable[[str], Store], label_of: Callable[..., Label]
) -> None:
    def steps(others: int) -> dict[str, int]:
        store = stores(str(others))
        documents = [Document.of_text(f"text {n}", id=f"d{n}") for n in range(others)]
        for start in range(0, others, 500):
            store.documents.add(documents[start : start + 500], [GUIDELINE])
        # A part is decided, a part waits for people, the rest for its label.
        store.labels.save([label_of(each, Route.REVIEW) for each in documents[: others // 2]])
        mine = [Document.of_text(f"mine {n}", id=f"m{n}") for n in range(5)]
        store.documents.add(mine, [GUIDELINE])
        ids = [document.id for document in mine]
        count, left = Steps(store.database.engine), iter(mine)
        return {
            "begin": count.of(lambda: store.work.begin(ids, GUIDELINE, 1)),
            "waiting": count.of(lambda: store.work.waiting(ids, GUIDELINE, 1)),
            "settled": count.of(lambda: store.work.settled([documents[0].id])),
            "save": count.of(lambda: store.labels.save([label_of(next(left))])),
            "read": count.of(lambda: store.documents.get_many([*ids, documents[0].id])),
            "fail": count.of(lambda: store.work.fail(ids[2:3], GUIDELINE, 1, FAILURE)),
        }

    few, many = steps(100), steps(3000)
    assert {name: many[name] <= 2 * few[name] + 200 for name in few} == dict.fromkeys(few, True), (
        few,
        many,
    )


def test_sqlite_is_told_of_every_index_of_the_tables_that_it_is_told_of(
    stores: Callable[[str], Store],
) -> None:
    # Of an index that it was not told of it thinks best, and takes it wherever it can.
    with stores("a").database.read() as connection:
        told = {
            tuple(row) for row in connection.exec_driver_sql("SELECT tbl, idx FROM sqlite_stat1")
        }
        known = {
            tuple(row)
            for row in connection.exec_driver_sql(
                "SELECT tbl_name, name FROM sqlite_schema WHERE type = 'index'"
            )
        }
    assert told == {(table, index) for table, index in known if table in {each[0] for each in told}}
    assert {table for table, _ in told} == {"requests", "labels", "reviews"}
