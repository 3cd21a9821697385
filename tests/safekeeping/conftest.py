from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from llmlabel.safekeeping.service import Service

OTHER = {"sqlite": "postgresql", "postgresql": "sqlite"}


@pytest.fixture
def url_of(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], str]:
    """The URL of a new database of a kind."""

    def make(kind: str) -> str:
        name = f"t{uuid.uuid4().hex}"
        if kind == "sqlite":
            return f"sqlite:///{tmp_path / name / 'llmlabel.db'}"
        server = request.getfixturevalue("postgres_server")
        server.psql(f"create database {name};")
        return str(server.get_uri(database=name))

    return make


@pytest.fixture
def service_at(tmp_path: Path) -> Iterator[Callable[[str, str], Service]]:
    """A service on a database, with the files of a home folder of that name."""
    opened = []

    def make(url: str, home: str) -> Service:
        def folders(project: str) -> dict[str, Path]:
            folder = tmp_path / home / project
            return {"recordings": folder / "recordings", "batches": folder / "batches"}

        opened.append(Service(url, folders, watch_seconds=0.3))
        return opened[-1]

    yield make
    for each in opened:
        each.__exit__()


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    """Of the database that there is."""
    return str(request.param)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite database with every table and no row."""
    file = tmp_path_factory.mktemp("template") / "llmlabel.db"
    with Service(f"sqlite:///{file}", lambda _: {}) as made:
        made.make("default")
    return file


@pytest.fixture(scope="session")
def postgres_template(postgres_server: Any) -> str:
    """The same on PostgreSQL, to be copied by the server."""
    name = "safekeeping_template"
    postgres_server.psql(f"create database {name};")
    with Service(str(postgres_server.get_uri(database=name)), lambda _: {}) as made:
        made.make("default")
    return name


@pytest.fixture
def source(
    request: pytest.FixtureRequest,
    kind: str,
    tmp_path: Path,
    service_at: Callable[[str, str], Service],
) -> Service:
    """A service with every table and nothing in it yet."""
    if kind == "sqlite":
        file = tmp_path / "source.db"
        shutil.copy(request.getfixturevalue("template"), file)
        return service_at(f"sqlite:///{file}", "source")
    server, name = request.getfixturevalue("postgres_server"), f"t{uuid.uuid4().hex}"
    template = request.getfixturevalue("postgres_template")
    server.psql(f"create database {name} template {template};")
    return service_at(str(server.get_uri(database=name)), "source")


@pytest.fixture
def target(
    kind: str, url_of: Callable[[str], str], service_at: Callable[[str, str], Service]
) -> Service:
    """Where it goes: a database of the other kind, that is not there yet."""
    return service_at(url_of(OTHER[kind]), "target")
