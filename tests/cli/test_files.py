"""Files and folders that a command cannot use."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from llmlabel.cli.main import run

GOLD = '{"text": "What a day!", "label": "positive"}\n'


def said(
    words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> str:
    monkeypatch.setattr(sys, "argv", ["llmlabel", *words])
    with pytest.raises(SystemExit) as ended:
        run()
    assert ended.value.code in (0, 1)
    shown = capsys.readouterr()
    return shown.err if ended.value.code else ""


def test_a_report_that_cannot_be_written_is_refused_before_anything_is_labeled(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLMLABEL_HOME", str(tmp_path / "home"))  # without any model
    taken = tmp_path / "taken"
    taken.write_text(GOLD * 30, "utf-8")
    words = ["sentiment", "--gold", str(taken), "--report", str(taken / "report")]
    told = said(["simulate", "--guideline", *words], capsys, monkeypatch)
    assert "taken/report cannot be read or written" in told.replace("\n", "")


def test_an_export_into_a_folder_that_is_not_there_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLMLABEL_HOME", str(tmp_path / "home"))
    file = tmp_path / "gold.jsonl"
    file.write_text(GOLD, "utf-8")
    assert said(["gold", "import", str(file), "-g", "sentiment"], capsys, monkeypatch) == ""
    missing = tmp_path / "missing" / "out.jsonl"
    told = said(["gold", "export", "-o", str(missing)], capsys, monkeypatch)
    assert "out.jsonl cannot be read or written: No such file" in told.replace("\n", "")
