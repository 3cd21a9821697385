"""The commands under `keys` on a real store, and where `serve` listens with and without them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from llmlabel.access import Access
from llmlabel.cli.main import app
from llmlabel.errors import InvalidInput, InvalidSetting, LlmlabelError, NotFound
from llmlabel.store import Store
from llmlabel.store.projects import Projects


@pytest.fixture(autouse=True)
def store(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("LLMLABEL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LLMLABEL_DATABASE_URL", database_url)
    monkeypatch.delenv("LLMLABEL_PROJECT", raising=False)
    store = Store.open(database_url, recordings=tmp_path / "recordings")
    yield store
    store.close()


def run(*args: str, fails: type[LlmlabelError] | None = None) -> Result:
    result = CliRunner().invoke(app, ["keys", *args])
    if fails is None:
        assert result.exit_code == 0, (result.output, result.exception)
    else:
        assert isinstance(result.exception, fails), (result.output, result.exception)
    return result


def made(*args: str) -> dict[str, Any]:
    created: dict[str, Any] = json.loads(run("create", *args, "--json").output)
    return created


def test_a_key_is_made_listed_and_revoked(store: Store) -> None:
    output = run("create", "--name", "ann", "-r", "reviewer", "-r", "submitter").output
    assert "shown this once: llml_" in output
    text = output.rpartition(" ")[2].strip()
    access = Access(store)
    access.keys.refresh()
    key = access.keys.verify(text)
    assert (key.name, key.roles, key.project) == ("ann", ("submitter", "reviewer"), "default")
    [listed] = json.loads(run("list", "--json").output)
    assert (listed["id"], listed["state"]) == (key.id, "active")
    assert text not in run("list").output
    assert "ann" in run("list").output
    last = run("revoke", key.id).output
    assert "counts no more" in last
    assert "the service stays closed" in last
    assert json.loads(run("list", "--json").output)[0]["state"] == "revoked"
    access.keys.refresh()
    assert access.keys.exist
    assert not access.keys.usable
    run("revoke", "none", fails=NotFound)


def test_without_keys_the_list_says_how_to_make_one() -> None:
    assert "llmlabel keys create" in run("list").output
    assert "Nothing" in run("log").output


@pytest.mark.parametrize(("given", "hours"), [("90d", 2160), ("12h", 12), ("8w", 1344)])
def test_a_key_ends_after_the_time_that_is_said(given: str, hours: int) -> None:
    key = made("--name", "ann", "-r", "admin", "--expires", given)["key"]
    lasts = datetime.fromisoformat(key["expires_at"]) - datetime.fromisoformat(key["created_at"])
    assert abs(lasts - timedelta(hours=hours)) < timedelta(minutes=1)


def test_a_key_ends_at_the_moment_that_is_said() -> None:
    key = made("--name", "ann", "-r", "admin", "--expires", "2999-01-31")["key"]
    assert datetime.fromisoformat(key["expires_at"]) == datetime(2999, 1, 31, tzinfo=UTC)
    for wrong in ("soon", "90", "2020-01-01", "99999x"):
        run("create", "--name", "a", "-r", "admin", "--expires", wrong, fails=InvalidInput)


def test_what_cannot_be_is_refused(store: Store) -> None:
    run("create", "--name", "ann", "-r", "owner", fails=InvalidInput)
    run("create", "--name", " ", "-r", "admin", fails=InvalidInput)
    run("create", "--name", "ann", "-r", "admin", "--project", "east", fails=NotFound)
    assert CliRunner().invoke(app, ["keys", "create", "--name", "ann"]).exit_code == 2
    Projects(store.database).create("east")
    assert made("--name", "ann", "-r", "admin", "--project", "east")["key"]["project"] == "east"
    assert len(json.loads(run("list", "--project", "default", "--json").output)) == 0


def test_the_log_tells_what_the_command_line_did() -> None:
    key = made("--name", "ann", "-r", "admin")["key"]
    run("revoke", key["id"])
    told = json.loads(run("log", "--json").output)
    assert [(each["method"], each["route"], each["target"]) for each in told] == [
        ("CLI", "keys revoke", key["id"]),
        ("CLI", "keys create", key["id"]),
    ]
    assert told[0]["name"].startswith("cli:")
    assert "keys revoke" in run("log", "--limit", "1").output
    assert json.loads(run("log", "--since", "2999-01-01", "--json").output) == []
    assert len(json.loads(run("log", "--since", "1h", "--json").output)) == 2


def test_old_lines_of_the_log_are_deleted_and_a_new_one_tells_of_it(store: Store) -> None:
    made("--name", "root", "-r", "admin")
    [(line, *_), _] = store.access_log.page()
    store.access_log.append(line.model_copy(update={"at": line.at - timedelta(days=9)}))
    assert run("purge-log", "--older-than", "8d", "--dry-run").output.startswith("1 line from")
    said_no = CliRunner().invoke(app, ["keys", "purge-log", "--older-than", "8d"], input="n\n")
    assert said_no.exit_code == 1
    assert len(store.access_log.page()[0]) == 2
    assert "Deleted 1 line " in run("purge-log", "--older-than", "8d", "--yes").output
    left = store.access_log.page()[0]
    assert [each.route for each in left] == ["keys purge-log", "keys create"]
    assert left[0].target.startswith("before 2")


def test_without_a_key_that_counts_the_service_listens_on_this_machine_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import uvicorn

    listened: list[dict[str, Any]] = []
    monkeypatch.setattr(uvicorn, "run", lambda app, **given: listened.append({"app": app, **given}))

    def serve() -> Result:
        return CliRunner().invoke(app, ["serve", "--host", "0.0.0.0"])

    refused = serve()
    assert isinstance(refused.exception, InvalidSetting)
    assert "llmlabel keys create" in str(refused.exception)
    key = made("--name", "ann", "-r", "admin")["key"]
    assert serve().exit_code == 0
    assert listened[0]["host"] == "0.0.0.0"
    assert listened[0]["app"].state.doorkeeper.access.keys.exist
    run("revoke", key["id"])
    assert isinstance(serve().exception, InvalidSetting)
