from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

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

        opened.append(Service(url, folders))
        return opened[-1]

    yield make
    for each in opened:
        each.__exit__()


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    """Of the database that there is."""
    return str(request.param)


@pytest.fixture
def source(
    kind: str, url_of: Callable[[str], str], service_at: Callable[[str, str], Service]
) -> Service:
    """A service with nothing in it yet."""
    return service_at(url_of(kind), "source")


@pytest.fixture
def target(
    kind: str, url_of: Callable[[str], str], service_at: Callable[[str, str], Service]
) -> Service:
    """Where it goes: a database of the other kind, that is not there yet."""
    return service_at(url_of(OTHER[kind]), "target")
