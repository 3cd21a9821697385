"""Projects of one service share nothing but the queue."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from llmlabel.domain.document import Document
from llmlabel.domain.project import ProjectBudget
from llmlabel.errors import Conflict, InvalidInput, NotFound, Unsupported
from llmlabel.store import Store
from llmlabel.store.database import Database
from llmlabel.store.migrate import drift, missing_migrations
from llmlabel.store.projects import Projects, place_of, places


@pytest.fixture
def projects(store: Store) -> Projects:
    return Projects(store.database)


@pytest.fixture
def acme(store: Store, projects: Projects, tmp_path: Path) -> Iterator[Store]:
    projects.create("acme")
    made = store.of_project("acme", recordings=tmp_path / "acme")
    yield made
    made.close()


def test_a_project_has_exactly_the_tables_of_the_code(acme: Store) -> None:
    assert drift(acme.database) == []
    assert missing_migrations(acme.database) == []


def test_the_same_id_is_another_document_in_another_project(store: Store, acme: Store) -> None:
    store.documents.add([Document.of_text("ours", id="a")], ["g@1.0.0"])
    acme.documents.add([Document.of_text("theirs", id="a")], ["g@1.0.0"])
    assert store.documents.get("a").document.text == "ours"
    assert acme.documents.get("a").document.text == "theirs"
    acme.documents.add([Document.of_text("only theirs", id="b")], [])
    with pytest.raises(NotFound):
        store.documents.get("b")
    assert store.counts().documents == 1
    assert acme.counts().documents == 2


def test_connections_that_go_from_project_to_project_never_see_the_other(
    store: Store, projects: Projects, tmp_path: Path
) -> None:
    stores = {"default": store}
    for name in ("one", "two"):
        projects.create(name)
        stores[name] = store.of_project(name, recordings=tmp_path / name)
    for name, each in stores.items():
        each.documents.add([Document.of_text(f"of {name}", id="a")], [])
    wrong: list[str] = []

    def look(name: str) -> None:
        for number in range(40):
            if stores[name].documents.get("a").document.text != f"of {name}":
                wrong.append(name)
            stores[name].documents.add([Document.of_text(name, id=f"{name}-{number}")], [])

    threads = [threading.Thread(target=look, args=(name,)) for name in [*stores] * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert {name: each.counts().documents for name, each in stores.items()} == dict.fromkeys(
        stores, 41
    )
    for name in ("one", "two"):
        stores[name].close()


def test_a_failed_transaction_leaves_the_connection_in_no_other_project(
    store: Store, acme: Store
) -> None:
    table = sa.text("INSERT INTO events (kind, subject) VALUES ('x', 'y')")
    for database in (acme.database, store.database):
        for _ in range(3):
            with pytest.raises(sa.exc.IntegrityError), database.write() as connection:
                connection.execute(table)
            acme.documents.add([Document.of_text("theirs", id="a")], [])
            with pytest.raises(NotFound):
                store.documents.get("a")


def test_a_name_is_given_once(projects: Projects) -> None:
    projects.create("acme")
    with pytest.raises(Conflict, match="once only"):
        projects.create("acme")
    with pytest.raises(Conflict):
        projects.create("default")
    projects.close("acme")
    projects.remove("acme")
    with pytest.raises(Conflict, match="once only"):
        projects.create("acme")


@pytest.mark.parametrize("name", ["", "Acme", "../up", "a b", "-a", "a-", "1a", "a" * 41, 'a"b'])
def test_a_name_that_no_project_can_bear_is_refused(projects: Projects, name: str) -> None:
    with pytest.raises(InvalidInput, match="lower-case"):
        projects.create(name)


def test_what_lies_in_a_projects_place_is_not_taken_over(store: Store, projects: Projects) -> None:
    stranger = store.of_project("acme", recordings=Path("nowhere"))
    stranger.close()
    with pytest.raises(Conflict, match="there already"):
        projects.create("acme")
    assert projects.names() == ["default"]


def test_a_deleted_project_leaves_nothing(store: Store, projects: Projects, acme: Store) -> None:
    acme.documents.add([Document.of_text("a secret", id="a")], [])
    place = place_of(store.database, "acme")
    acme.close()
    projects.close("acme")
    assert projects.find("acme") is None
    assert projects.closing() == ["acme"]
    projects.remove("acme")
    assert projects.closing() == []
    with store.database.read() as connection:
        schemas = sa.inspect(connection).get_schema_names()
    assert place.schema not in schemas
    assert place.file is None or list(place.file.parent.iterdir()) == []
    with pytest.raises(NotFound):
        projects.remove("acme")
    with pytest.raises(NotFound):
        projects.close("acme")


def test_the_default_project_cannot_be_deleted_nor_limited(projects: Projects) -> None:
    with pytest.raises(Unsupported, match="cannot be deleted"):
        projects.close("default")
    with pytest.raises(Unsupported, match="LLMLABEL_BUDGET_USD"):
        projects.limit("default", ProjectBudget(total_usd=1))


def test_a_budget_is_stored_with_the_project(projects: Projects) -> None:
    projects.create("acme", ProjectBudget(total_usd=5))
    assert projects.get("acme").budget == ProjectBudget(total_usd=5)
    projects.limit("acme", ProjectBudget(day_usd=0.5))
    assert projects.get("acme").budget == ProjectBudget(day_usd=0.5)


def test_every_database_of_a_service_is_listed(store: Store, acme: Store) -> None:
    found = places(store.database)
    assert [place.project for place in found] == ["default", "acme"]
    for place in found:
        database = store.database.of_project(place.project)
        with database.read() as connection:
            if place.file is not None:
                assert connection.engine.url.database == str(place.file)
            elif place.schema is not None:
                here = connection.execute(sa.text("SELECT current_schema()")).scalar()
                assert here == place.schema
        database.close()


def test_all_files_of_a_connection_have_a_write_ahead_log(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'store.db'}", recordings=tmp_path)
    acme = store.of_project("acme", recordings=tmp_path)
    with acme.database.read() as connection:
        for name in ("main", "service"):
            for pragma, value in (
                ("journal_mode", "wal"),
                ("synchronous", 1),
                ("secure_delete", 1),
            ):
                found = connection.exec_driver_sql(f"PRAGMA {name}.{pragma}").scalar()
                assert (name, pragma, found) == (name, pragma, value)
    acme.close()
    store.close()


def _write(url: str, recordings: str, project: str, name: str) -> None:
    store = Store.open(url, recordings=Path(recordings))
    mine = store.of_project(project, recordings=Path(recordings)) if project else store
    for number in range(60):
        mine.documents.add([Document.of_text(name, id=f"{name}-{number}")], ["g@1.0.0"])
    mine.close()
    store.close()


def test_processes_may_write_into_several_projects_at_once(
    database_url: str, store: Store, acme: Store, tmp_path: Path
) -> None:
    context = multiprocessing.get_context("spawn")
    running = [
        context.Process(target=_write, args=(database_url, str(tmp_path), project, name))
        for project, name in (("acme", "x"), ("acme", "y"), ("", "z"))
    ]
    for process in running:
        process.start()
    for process in running:
        process.join()
    assert [process.exitcode for process in running] == [0, 0, 0]
    assert acme.counts().documents == 120
    assert store.counts().documents == 60


def test_an_older_database_has_one_place(database_url: str) -> None:
    database = Database(database_url)
    assert [place.project for place in places(database)] == ["default"]
    database.close()
