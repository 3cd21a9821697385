"""What `--help` says of every command."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from llmlabel.cli.main import COMMANDS, app

run = CliRunner()


def test_the_shell_is_offered_completion_by_the_program_alone() -> None:
    assert "--install-completion" in run.invoke(app, ["--help"]).output


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_a_help_of_its_own(name: str) -> None:
    said = run.invoke(app, [name, "--help"])
    assert said.exit_code == 0
    assert f" {name} " in said.output
    assert "--install-completion" not in said.output
