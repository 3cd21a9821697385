"""The commands under `db`, on a service that was used."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import Result
from typer.testing import CliRunner

from llmlabel.cli.main import app
from llmlabel.domain.document import Document
from llmlabel.errors import Conflict, DatabaseNotOurs, NotFound
from llmlabel.store import Store
from llmlabel.store.database import Database


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLMLABEL_HOME", str(tmp_path / "home"))


def run(*words: str, fails: bool = False) -> Result:
    result = CliRunner().invoke(app, ["db", *words])
    if not fails and result.exception is not None:
        raise result.exception
    assert result.exit_code == (1 if fails else 0), result.output
    return result


def used(home: Path) -> None:
    store = Store.open(f"sqlite:///{home / 'llmlabel.db'}", recordings=home / "recordings")
    store.recordings.save(io.BytesIO(b"sound"), "call.wav")
    store.documents.add([Document.of_text("Where is my parcel?", id="d")], [])
    store.close()


def test_upgrade_says_what_it_did(tmp_path: Path) -> None:
    first = run("upgrade").output
    assert first.startswith("default: brought from nothing to ")
    assert run("upgrade").output.startswith("default: is at ")
    database = Database(f"sqlite:///{tmp_path / 'home' / 'llmlabel.db'}")
    with database.write() as connection:
        connection.execute(sa.text("UPDATE llmlabel_schema SET version_num = '9999'"))
    database.close()
    refused = run("upgrade", fails=True).exception
    assert isinstance(refused, DatabaseNotOurs)
    assert "newer release" in refused.detail and "9999" in refused.detail


def test_a_service_is_backed_up_restored_and_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    used(tmp_path / "home")
    assert "All is well." in run("check").output
    file = str(tmp_path / "one.tar")
    assert "1 project and 1 recording" in run("backup", file).output
    assert "is whole" in run("restore", file, "--verify").output
    refused = run("restore", file, fails=True).exception
    assert isinstance(refused, Conflict) and "move it away" in refused.detail
    monkeypatch.setenv("LLMLABEL_HOME", str(tmp_path / "other"))
    assert isinstance(run("check", fails=True).exception, NotFound)
    assert "Restored: 1 project" in run("restore", file).output
    assert "documents 1" in run("check").output
    [sound] = (tmp_path / "other" / "recordings").glob("*/*")
    sound.unlink()
    told = run("check", fails=True).output
    assert f"{sound} is missing" in told and "1 of these need attention" in told
    assert "could not be kept" in run("backup", str(tmp_path / "two.tar"), fails=True).output


def test_a_copy_says_what_to_do_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    used(tmp_path / "home")
    monkeypatch.setenv("LLMLABEL_COPY_TO", f"sqlite:///{tmp_path / 'new.db'}")
    told = run("copy").output
    assert "default: 2 rows in" in told and "Set LLMLABEL_DATABASE_URL" in told
    monkeypatch.setenv("LLMLABEL_DATABASE_URL", f"sqlite:///{tmp_path / 'new.db'}")
    assert "recordings 1, documents 1" in run("check").output
