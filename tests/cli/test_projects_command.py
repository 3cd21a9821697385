"""`llmlabel projects`, and `--project` on other commands."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from llmlabel.cli.main import COMMANDS, OF_NO_PROJECT, app
from llmlabel.errors import Conflict, NotFound, Unsupported
from llmlabel.project_keeping import ProjectKeeping

run = CliRunner()


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLMLABEL_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("LLMLABEL_PROJECT", raising=False)
    deleting = ProjectKeeping.delete
    monkeypatch.setattr(ProjectKeeping, "delete", lambda self, name: deleting(self, name, wait=0.0))


def _said(*words: str, input: str | None = None) -> str:
    result = run.invoke(app, [*words], input=input, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_projects_are_made_listed_limited_and_deleted() -> None:
    assert "acme" in _said("projects", "create", "acme", "--month", "5")
    listed = json.loads(_said("projects", "list", "--json"))
    assert [each["name"] for each in listed] == ["default", "acme"]
    assert listed[1]["budget"]["month_usd"] == 5
    limited = json.loads(_said("projects", "budget", "acme", "--total", "2", "--json"))
    assert limited["budget"] == {"total_usd": 2, "month_usd": None, "day_usd": None}
    costs = json.loads(_said("costs", "--project", "acme", "--json"))
    assert costs["spent"][0]["budget_usd"] == 2
    with pytest.raises(Conflict, match="nothing was deleted"):
        _said("projects", "delete", "acme", input="other\n")
    _said("projects", "delete", "acme", input="acme\n")
    assert [each["name"] for each in json.loads(_said("projects", "list", "--json"))] == ["default"]
    with pytest.raises(NotFound, match="projects list"):
        _said("costs", "--project", "acme")
    with pytest.raises(NotFound):
        _said("projects", "delete", "acme", "--yes")
    with pytest.raises(Conflict, match="once only"):
        _said("projects", "create", "acme")
    with pytest.raises(Unsupported):
        _said("projects", "delete", "default", "--yes")


def test_an_option_or_a_variable_says_which_project_a_command_is_about(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _said("projects", "create", "acme")
    _said("webhooks", "add", "https://example.org/h", "--event", "gate.closed", "--project", "acme")
    assert "example.org" in _said("webhooks", "list", "--project", "acme")
    assert "example.org" not in _said("webhooks", "list")
    assert "LLMLABEL_PROJECT" not in os.environ
    monkeypatch.setenv("LLMLABEL_PROJECT", "acme")
    assert "example.org" in _said("webhooks", "list")
    assert "example.org" not in _said("webhooks", "list", "--project", "default")


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - OF_NO_PROJECT))
def test_every_command_about_a_project_says_so(name: str) -> None:
    help = _said(name, "--help")
    if "Commands" in help:
        subcommands = [
            line.split()[1]
            for line in help.partition("Commands")[2].splitlines()[1:]
            if "│ " in line
        ]
        help = _said(name, subcommands[0], "--help")
    assert "--project" in help
