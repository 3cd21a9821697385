from __future__ import annotations

from pathlib import Path

import pytest

from llmlabel.cli.settings import page, rows
from llmlabel.errors import InvalidSetting
from llmlabel.settings import Settings


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
