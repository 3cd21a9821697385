from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from llmlabel.cli.main import app
from llmlabel.errors import LlmlabelError

runner = CliRunner(env={"COLUMNS": "200"})


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLMLABEL_HOME", str(tmp_path / "home"))


def gold(*arguments: str) -> Result:
    return runner.invoke(app, ["gold", *arguments])


def _file(path: Path, *labels: str) -> str:
    rows = [{"text": f"text {n}", "label": label} for n, label in enumerate(labels)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def test_without_gold_the_command_that_helps_is_named() -> None:
    result = gold("list")
    assert result.exit_code == 0, result.output
    assert "llmlabel gold import FILE --guideline sentiment" in result.output
    refused = gold("export")
    assert isinstance(refused.exception, LlmlabelError)
    assert "llmlabel gold import" in refused.exception.detail


def test_a_file_is_imported_listed_shown_and_exported(tmp_path: Path) -> None:
    file = _file(tmp_path / "g.jsonl", *["positive"] * 6, "negative")
    result = gold("import", file, "-g", "sentiment")
    assert result.exit_code == 0, result.output
    assert "7 gold labels imported for sentiment@1.0.0" in result.output
    assert "72 to certify delivered:0.05:0.95 if none is wrong" in result.output
    listed = gold("list", "-g", "sentiment").output
    assert "positive 6, negative 1" in listed
    assert "7 known already" in gold("import", file, "-g", "sentiment").output
    shown = gold("show", "g-7").output
    assert "text 6" in shown and "negative" in shown
    lines = gold("export").output.splitlines()
    assert {json.loads(line)["label"] for line in lines} == {"positive", "negative"}
    parts = [
        [json.loads(line)["id"] for line in gold("export", "--part", part).output.splitlines()]
        for part in ("fit", "certify")
        if not gold("export", "--part", part).exception
    ]
    assert sorted(id for part in parts for id in part) == sorted(
        json.loads(line)["id"] for line in lines
    )
    out = tmp_path / "out.jsonl"
    assert gold("export", "-o", str(out)).exit_code == 0
    assert len(out.read_text().splitlines()) == 7


def test_bad_lines_are_all_named_and_can_be_left_out(tmp_path: Path) -> None:
    file = _file(tmp_path / "g.jsonl", "positive", "postive", "negativ")
    refused = gold("import", file, "-g", "sentiment")
    assert isinstance(refused.exception, LlmlabelError)
    assert "g.jsonl:2" in refused.exception.detail and "g.jsonl:3" in refused.exception.detail
    result = gold("import", file, "-g", "sentiment", "--skip-bad")
    assert result.exit_code == 0, result.output
    assert "1 gold label imported" in result.output
    assert result.output.count("left out") == 2


def test_with_enough_gold_the_next_step_is_named(tmp_path: Path) -> None:
    file = _file(tmp_path / "g.jsonl", *["positive", "negative"] * 150)
    result = gold("import", file, "-g", "sentiment")
    assert "llmlabel train sentiment@1.0.0" in result.output


def test_of_gold_for_two_guidelines_one_must_be_chosen(tmp_path: Path) -> None:
    gold("import", _file(tmp_path / "g.jsonl", "positive"), "-g", "sentiment")
    file = tmp_path / "n.jsonl"
    file.write_text(json.dumps({"text": "Anna", "entities": []}) + "\n")
    assert gold("import", str(file), "-g", "ner").exit_code == 0
    refused = gold("export")
    assert isinstance(refused.exception, LlmlabelError)
    assert "--guideline" in refused.exception.detail
    assert json.loads(gold("export", "-g", "ner").output)["entities"] == []
