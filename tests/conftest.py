"""Shared fixtures. Tests talk to loopback only; model weights come from the model store."""

from __future__ import annotations

import ipaddress
import logging
import os
import socket
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, settings
from told_clock import Clock

from llmlabel.settings import Settings

# A terminal's size would be taken over by the command line's console, once and for all tests.
for _size in ("COLUMNS", "LINES"):
    os.environ.pop(_size, None)

# How long something takes on a busy machine says nothing of whether it is right. The same code is
# tried on the same examples each time; `make search` tries it on others.
settings.register_profile(
    "tests", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "search", settings.get_profile("tests"), derandomize=False, max_examples=1000, print_blob=True
)
settings.load_profile("tests")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes may hold the time they were packed at; workers must collect the same names."""
    return argname if isinstance(val, bytes) else None


def _is_local(address: Any) -> bool:
    if not isinstance(address, tuple):
        return True  # a Unix socket
    host = str(address[0])
    if host in {"localhost", ""}:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that reaches for the network fails and says where it went."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def guarded(real: Any) -> Any:
        def call(self: socket.socket, address: Any) -> Any:
            if not _is_local(address):
                raise AssertionError(f"a test tried to reach {address!r}; only loopback is allowed")
            return real(self, address)

        return call

    monkeypatch.setattr(socket.socket, "connect", guarded(connect))
    monkeypatch.setattr(socket.socket, "connect_ex", guarded(connect_ex))


@pytest.fixture(autouse=True)
def _logs_as_at_the_start() -> None:
    """What a test before said of logging, or a server that it ran, has no say in the next one."""
    structlog.reset_defaults()
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "dbos"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True


@pytest.fixture(scope="session")
def models_folder() -> Path:
    """Where `llmlabel models pull` put the weights (before any test changes the environment)."""
    return Settings().models_folder


@pytest.fixture(scope="session")
def model_store(models_folder: Path) -> Iterator[Any]:
    from llmlabel.models import ModelStore

    yield ModelStore(models_folder)


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of public data sets, where LLMLABEL_DATA names one."""
    folder = os.environ.get("LLMLABEL_DATA")
    if not folder:
        pytest.skip("set LLMLABEL_DATA to the folder of data sets to run this test")
    return Path(folder)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Any]:
    """A PostgreSQL of its own, from a package; it stops with the tests."""
    import own_postgres

    with own_postgres.running() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database; a test that asks for it runs on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    server = request.getfixturevalue("postgres_server")
    name = f"t{uuid.uuid4().hex}"
    server.psql(f"create database {name};")
    return str(server.get_uri(database=name))


@pytest.fixture
def store(database_url: str, tmp_path: Path) -> Iterator[Any]:
    """An empty store on each kind of database."""
    from llmlabel.store import Store

    store = Store.open(database_url, recordings=tmp_path / "recordings")
    yield store
    store.close()


@pytest.fixture
def clock(store: Any) -> Clock:
    """The store's, which moves only when told."""
    clock = Clock()
    store.database.clock = clock
    return clock


@pytest.fixture
def home(tmp_path: Path, models_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of the test's own that shares the weights and uses the small models."""
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "models").symlink_to(models_folder)
    prepared = models_folder.parent / "prepared"
    prepared.mkdir(parents=True, exist_ok=True)
    (folder / "prepared").symlink_to(prepared)
    monkeypatch.setenv("LLMLABEL_HOME", str(folder))
    monkeypatch.setenv("LLMLABEL_LLM", "smollm2-135m-instruct")
    return folder
