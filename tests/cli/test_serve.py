from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from llmlabel.cli.main import app
from llmlabel.errors import InvalidSetting

runner = CliRunner()


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLMLABEL_HOME", str(tmp_path))


@pytest.mark.parametrize("host", ["0.0.0.0", "10.0.0.7", "::", "example.org"])
def test_without_keys_the_service_refuses_to_listen_beyond_this_machine(host: str) -> None:
    result = runner.invoke(app, ["serve", "--host", host])
    assert result.exit_code != 0
    assert isinstance(result.exception, InvalidSetting)
    assert result.exception.field == "host"
