from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from llmlabel.cli.main import app

runner = CliRunner(env={"COLUMNS": "200"})


@pytest.mark.models
def test_a_machine_with_everything_is_well(home: Path) -> None:
    result = runner.invoke(app, ["doctor"])
    assert result.exit_code == 0, result.output
    assert "smollm2-135m-instruct" in result.output


def test_what_is_missing_is_named_with_the_command_that_mends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLMLABEL_HOME", str(tmp_path / "empty"))
    result = runner.invoke(app, ["doctor"])
    assert result.exit_code == 1
    assert "llmlabel models pull qwen2.5-coder-1.5b-instruct" in result.output


def test_a_home_that_cannot_be_used_names_the_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("LLMLABEL_HOME", str(tmp_path / "file"))
    result = runner.invoke(app, ["doctor"])
    assert result.exit_code == 1
    assert "LLMLABEL_HOME" in result.output
