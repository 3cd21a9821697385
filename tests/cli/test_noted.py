"""What the command line changes stands in the audit log, once there are keys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from llmlabel.bootstrap import build_service
from llmlabel.cli.main import app
from llmlabel.cli.noted import CHANGES
from llmlabel.domain.document import Document
from llmlabel.settings import Settings
from llmlabel.store import Store
from llmlabel.store.erasure import erased_id

UNTOLD = {
    # they show, compute, or write files of the caller's own
    "agreement", "batches errors", "batches list", "batches results", "batches status", "costs",
    "demo", "doctor", "eval", "gold export", "gold list", "gold needed", "gold show",
    "guidelines lint", "guidelines list", "guidelines new", "guidelines show", "jobs list",
    "jobs show", "label", "quality", "reviews flags list", "reviews history", "reviews queues",
    "reviews reviewers list", "reviews reviewers show", "reviews scores", "settings", "simulate",
    "train list", "train show", "webhooks deliveries", "webhooks list", "webhooks show",
    "projects list", "models list", "models path", "models pull", "models verify",
    # they run the service; its requests are told
    "serve", "worker",
    # they are about whole databases, with the log in them
    "db backup", "db check", "db copy", "db restore", "db upgrade",
    # they tell of themselves, also of the first key
    "keys create", "keys list", "keys log", "keys purge-log", "keys revoke",
}  # fmt: skip


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setenv("LLMLABEL_HOME", str(tmp_path))
    monkeypatch.delenv("LLMLABEL_PROJECT", raising=False)
    service = build_service(Settings())
    yield service.store
    service.store.close()


def run(*words: str, code: int = 0, input: str | None = None) -> None:
    result = CliRunner().invoke(app, [*words], input=input)
    assert result.exit_code == code, (result.output, result.exception)


def told(store: Store) -> list[tuple[str, str, str]]:
    found = store.access_log.page()[0]
    assert all(each.name.startswith("cli:") and each.method == "CLI" for each in found)
    return [(each.project, each.route, each.target) for each in found if "keys" not in each.route]


def test_of_every_command_it_is_said_whether_it_changes_something() -> None:
    def leaves(command: Any, path: str) -> Iterator[str]:
        if not hasattr(command, "list_commands"):
            yield path
            return
        for name in command.list_commands(None):
            yield from leaves(command.get_command(None, name), f"{path} {name}".strip())

    assert sorted(leaves(get_command(app), "")) == sorted({*CHANGES, *UNTOLD})


def test_changes_are_told_under_the_users_name_and_documents_by_their_hash(store: Store) -> None:
    documents = [Document.of_text(text) for text in ("fine", "good")]
    store.documents.add(documents, ["sentiment@1.0.0"])
    first, second = (document.id for document in documents)
    run("documents", "delete", first, "--yes")
    assert told(store) == []  # there was nobody to tell apart
    run("keys", "create", "--name", "root", "-r", "admin")
    run("documents", "delete", second, "none", "--yes", code=1)
    run("documents", "delete", second, code=1, input="n\n")
    run("documents", "delete", second, "--yes")
    run("purge", "--older-than", "9d", "--dry-run")
    run("purge", "--older-than", "9d", "--yes")
    run("projects", "create", "east")
    run("webhooks", "add", "https://example.org/hook", "--project", "east")
    run("jobs", "list")
    assert told(store)[::-1] == [
        # refused, and told nevertheless
        ("default", "documents delete", erased_id(second)),
        ("default", "documents delete", erased_id("none")),
        ("default", "documents delete", erased_id(second)),
        ("default", "purge", ""),
        ("default", "projects create", "east"),
        ("east", "webhooks add", ""),
    ]
