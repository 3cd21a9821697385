from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import every_table
import pytest
import sqlalchemy as sa

from llmlabel.domain.document import Document
from llmlabel.errors import Conflict, CopyDiffers, DatabaseNotOurs
from llmlabel.safekeeping.copying import copy
from llmlabel.safekeeping.service import Service
from llmlabel.store import Store
from llmlabel.store.projects import Projects
from llmlabel.store.tables import documents, events, workers
from llmlabel.store.transfer.copying import Copy

MakeService = Callable[[str], Service]


def copied(source: Service, target: Service, advance: Callable[[int], None] | None = None) -> Any:
    return copy(source, target, expect=lambda _: None, advance=advance or (lambda _: None))


class Broken(Exception):
    """The machine fails."""


def breaks_after(rows: int) -> Callable[[int], None]:
    left = rows

    def advance(done: int) -> None:
        nonlocal left
        left -= done
        if left < 0:
            raise Broken

    return advance


def test_a_copy_has_every_row_of_every_table(source: Service, target: Service) -> None:
    every_table.fill(source.default)
    [done] = copied(source, target)
    assert every_table.content(target.default) == every_table.content(source.default)
    assert done.rows >= 7 * len(every_table.content(source.default))


def test_every_project_goes(source: Service, target: Service) -> None:
    every_table.fill(source.default)
    Projects(source.default).create("shop")
    every_table.fill(source.make("shop"), rows=4, seed=2)
    done = copied(source, target)
    assert [each.project for each in done] == ["default", "shop"]
    for project in ("default", "shop"):
        assert every_table.content(target.of_project(project)) == every_table.content(
            source.of_project(project)
        )


def test_new_rows_are_numbered_after_those_that_were_copied(
    source: Service, target: Service
) -> None:
    every_table.fill(source.default)
    copied(source, target)
    with target.default.write() as connection:
        highest = connection.execute(sa.select(sa.func.max(documents.c.seq))).scalar_one()
        row = {"id": "new", "metadata": "{}", "created_at": target.default.clock()}
        added = connection.execute(sa.insert(documents).values(row).returning(documents.c.seq))
        assert added.scalar_one() > highest


def test_a_copy_that_was_broken_off_is_gone_on_with(
    source: Service, target: Service, tmp_path: Path
) -> None:
    every_table.fill(source.default)
    Projects(source.default).create("shop")
    every_table.fill(source.make("shop"), rows=30, seed=2)
    rows = 0
    while True:
        try:
            done = copied(source, target, breaks_after(rows))
            break
        except Broken:
            rows += 60
        # Until it is whole, nothing works on it.
        url = target.default.engine.url.render_as_string(hide_password=False)
        with pytest.raises(DatabaseNotOurs, match="begun and not finished"):
            Store.open(url, recordings=tmp_path)
    assert rows > 300, "it was broken off several times, in both projects"
    for each in done:
        assert every_table.content(target.of_project(each.project)) == every_table.content(
            source.of_project(each.project)
        )
    Store.open(url, recordings=tmp_path).close()


def test_a_break_after_one_project_was_finished_is_gone_on_with_too(
    source: Service, target: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    every_table.fill(source.default)
    Projects(source.default).create("shop")
    every_table.fill(source.make("shop"), rows=3)
    finish, finished = Copy.finish, []

    def fails(self: Copy) -> None:
        if finished:
            raise Broken
        finish(self)
        finished.append(self)

    monkeypatch.setattr(Copy, "finish", fails)
    with pytest.raises(Broken):
        copied(source, target)
    monkeypatch.undo()
    copied(source, target)
    for project in ("default", "shop"):
        assert every_table.content(target.of_project(project)) == every_table.content(
            source.of_project(project)
        )


def test_what_changed_since_a_copy_was_begun_is_refused(source: Service, target: Service) -> None:
    every_table.fill(source.default)
    with pytest.raises(Broken):
        copied(source, target, breaks_after(50))
    with source.default.write() as connection:
        table = next(each for each in every_table.metadata.sorted_tables)
        connection.execute(sa.delete(table).where(sa.true()))
    with pytest.raises(Conflict, match="has changed since the copy was begun"):
        copied(source, target)


def test_a_target_that_is_in_use_is_refused_and_left_alone(
    source: Service, target: Service, url_of: MakeService, kind: str, service_at: Any
) -> None:
    every_table.fill(source.default)
    every_table.fill(target.make("default"), rows=2, seed=5)
    before = every_table.content(target.default)
    with pytest.raises(Conflict, match="is not empty"):
        copied(source, target)
    assert every_table.content(target.default) == before
    with pytest.raises(Conflict, match="is the source"):
        copied(source, source)
    other = service_at(url_of(kind), "other")
    with pytest.raises(Broken):
        copied(source, other, breaks_after(50))
    with pytest.raises(Conflict, match="begun from another database"):
        copied(target, other)


def test_a_service_at_work_is_not_copied(source: Service, target: Service) -> None:
    store = Store(source.default, Path("unused"))
    store.work.beat("worker-1")
    with pytest.raises(Conflict, match=r"worker-1 may be at work.* Stop every process"):
        copied(source, target)
    # The clock of its host is a day behind.
    with pytest.raises(Conflict, match="worker-1 may be at work"), beating_late(store):
        copied(source, target)
    store.work.retire("worker-1")
    copied(source, target)


@contextmanager
def beating_late(store: Store) -> Iterator[None]:
    """A worker whose signs of life are a day old."""
    stop = threading.Event()

    def beat() -> None:
        while not stop.is_set():
            yesterday = store.database.clock() - timedelta(days=1)
            with store.database.write() as connection:
                connection.execute(sa.update(workers).values(seen_at=yesterday))
            stop.wait(0.02)

    thread = threading.Thread(target=beat)
    thread.start()
    time.sleep(0.2)
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_nobody_writes_to_the_source_meanwhile(source: Service, target: Service) -> None:
    store = Store(source.default, Path("unused"))
    store.documents.add([Document.of_text("before", id="before")], [])
    late = threading.Thread(
        target=store.documents.add, args=([Document.of_text("late", id="late")], [])
    )

    def advance(rows: int) -> None:
        if late.ident is None:
            late.start()
            late.join(0.2)
            assert late.is_alive(), "it waits"

    copied(source, target, advance)
    late.join(30)
    assert _ids(source) == ["before", "late"]
    assert _ids(target) == ["before"]


def test_a_row_that_was_lost_on_the_way_is_found(source: Service, target: Service) -> None:
    every_table.fill(source.default)

    def loses(rows: int) -> None:
        with target.default.write() as connection:
            connection.execute(sa.delete(events).where(events.c.seq == 3))

    with pytest.raises(CopyDiffers, match=r"`events` has 7 rows in the source and 6"):
        copied(source, target, loses)


def _ids(service: Service) -> list[str]:
    with service.default.read() as connection:
        return sorted(connection.execute(sa.select(documents.c.id)).scalars())
