from __future__ import annotations

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from llmlabel.cli.main import app
from llmlabel.cli.settings import page, rows
from llmlabel.errors import InvalidSetting
from llmlabel.settings import Settings, mistyped

run = CliRunner()


def test_the_documentation_lists_every_setting_as_it_is() -> None:
    written = (Path(__file__).parents[2] / "docs/settings.md").read_text("utf-8")
    assert written == page(), "run: llmlabel settings --markdown > docs/settings.md"


def test_every_setting_says_what_it_means() -> None:
    assert [row.variable for row in rows() if not row.meaning.endswith(".")] == []


def test_a_secret_may_be_a_file_that_a_variable_wins_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "llmlabel_database_url").write_text("sqlite:///secret.db\n", "utf-8")
    (tmp_path / "llmlabel_llm_api_key").write_text("sk-secret", "utf-8")
    monkeypatch.setenv("LLMLABEL_SECRETS_DIR", str(tmp_path))
    settings = Settings()
    assert settings.database_url == "sqlite:///secret.db"
    assert settings.llm_api_key is not None
    assert settings.llm_api_key.get_secret_value() == "sk-secret"
    monkeypatch.setenv("LLMLABEL_DATABASE_URL", "sqlite:///other.db")
    assert Settings().database_url == "sqlite:///other.db"
    monkeypatch.setenv("LLMLABEL_SECRETS_DIR", str(tmp_path / "nowhere"))
    with pytest.raises(InvalidSetting, match="is no folder"):
        Settings()


def test_a_mistyped_setting_is_told_with_the_one_that_was_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [each for each in os.environ if each.startswith("LLMLABEL_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    assert mistyped() == {}
    (tmp_path / ".env").write_text("LLMLABEL_DATABASE=sqlite:///a.db\nOTHER=1\n", "utf-8")
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/llmlabel_llm_apikey").write_text("sk", "utf-8")
    monkeypatch.setenv("LLMLABEL_SECRETS_DIR", str(tmp_path / "secrets"))
    monkeypatch.setenv("LLMLABEL_TRAIN_AFTR", "5")
    monkeypatch.setenv("LLMLABEL_TRAIN_AFTER", "5")
    assert mistyped() == {
        "LLMLABEL_DATABASE": "LLMLABEL_DATABASE is no setting. "
        "Did you mean `LLMLABEL_DATABASE_URL`?",
        "LLMLABEL_TRAIN_AFTR": "LLMLABEL_TRAIN_AFTR is no setting. "
        "Did you mean `LLMLABEL_TRAIN_AFTER`?",
        "llmlabel_llm_apikey": "llmlabel_llm_apikey is no setting. "
        "Did you mean `LLMLABEL_LLM_API_KEY`?",
    }
    said = run.invoke(app, ["costs"], env={"LLMLABEL_HOME": str(tmp_path)})
    assert "LLMLABEL_TRAIN_AFTR is no setting. Did you mean `LLMLABEL_TRAIN_AFTER`?" in said.stderr
    doctor = run.invoke(app, ["doctor"], env={"LLMLABEL_HOME": str(tmp_path), "COLUMNS": "300"})
    assert doctor.exit_code == 1
    assert "rename or remove LLMLABEL_TRAIN_AFTR" in doctor.output
