"""The command `label` on real files with the small models."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from llmlabel.cli.main import app

pytestmark = pytest.mark.models
KEYS = {"id", "text_sha256", "guideline", "answer", "confidence", "route", "reason", "source"}
runner = CliRunner()


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    file = tmp_path / "texts.jsonl"
    rows = [
        {"id": "a", "text": "Anna Keller flew to Lisbon."},
        {"id": "b", "text": "It rains."},
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return file


def test_labels_are_written_one_a_line(home: Path, texts: Path, tmp_path: Path) -> None:
    out = tmp_path / "labels.jsonl"
    result = runner.invoke(app, ["label", str(texts), "-g", "pos", "-o", str(out)])
    assert result.exit_code == 0, result.output
    written = lines(out)
    assert [row["id"] for row in written] == ["a", "b"]
    assert set(written[0]) >= KEYS | {"units"}
    assert written[0]["confidence"]["calibrated"] is False  # type: ignore[index]


def test_a_run_goes_on_where_it_was_stopped(home: Path, texts: Path, tmp_path: Path) -> None:
    out = tmp_path / "labels.jsonl"
    runner.invoke(app, ["label", str(texts), "-g", "pos", "-o", str(out)])
    first, second = out.read_text("utf-8").splitlines()
    out.write_text(first + "\n" + second[:40], "utf-8")  # killed in the middle of a line
    result = runner.invoke(app, ["label", str(texts), "-g", "pos", "-o", str(out)])
    assert result.exit_code == 0, result.output
    assert out.read_text("utf-8").splitlines()[0] == first
    assert [row["id"] for row in lines(out)] == ["a", "b"]


def test_a_bad_line_is_named_and_the_others_are_labeled(
    home: Path, texts: Path, tmp_path: Path
) -> None:
    with texts.open("a", encoding="utf-8") as file:
        file.write('{"id": "c", "text": ""}\n{"id": "d", "text": "Ships sail."}\n')
    out = tmp_path / "labels.jsonl"
    result = runner.invoke(app, ["label", str(texts), "-g", "pos", "-o", str(out)])
    assert result.exit_code == 1
    assert f"{texts}:3" in result.output.replace("\n", "")
    assert [row["id"] for row in lines(out)] == ["a", "b", "d"]


def test_standard_input_is_labeled_by_the_language_model(home: Path) -> None:
    result = runner.invoke(app, ["label", "-", "-g", "sentiment"], input="I love it.\n")
    assert result.exit_code == 0, result.output
    row = json.loads(result.stdout.splitlines()[0])
    assert row["answer"]["label"] in {"positive", "negative", "neutral", "mixed"}
    assert row["source"]["opinions"][0]["source"]["model"].startswith("smollm2-135m-instruct@")


def test_a_table_shows_route_and_reason(home: Path, texts: Path) -> None:
    result = runner.invoke(app, ["label", str(texts), "-g", "pos", "--format", "table"])
    assert result.exit_code == 0, result.output
    assert "Anna Keller flew to Lisbon." in result.stdout
    assert "accepted" in result.stdout or "review" in result.stdout


def test_an_unknown_guideline_is_named_with_those_there_are(home: Path, texts: Path) -> None:
    result = runner.invoke(app, ["label", str(texts), "-g", "sentimnt"])
    assert result.exit_code != 0
    assert "sentiment" in str(result.exception)


def test_a_missing_model_names_the_command_that_gets_it(
    texts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLMLABEL_HOME", str(tmp_path / "empty"))
    result = runner.invoke(app, ["label", str(texts), "-g", "pos"])
    assert "llmlabel models pull en_core_web_sm" in str(result.exception)


def test_a_recording_is_transcribed_and_labeled(home: Path, tmp_path: Path) -> None:
    from importlib.resources import as_file, files

    out = tmp_path / "labels.jsonl"
    with as_file(files("llmlabel") / "demo" / "voicemail.ogg") as recording:
        result = runner.invoke(
            app, ["label", str(recording), "-g", "pos", "--language", "en", "-o", str(out)]
        )
    assert result.exit_code == 0, result.output
    heard, tagged = lines(out)
    assert heard["guideline"] == "transcription@1.0.0"
    assert "Keller" in heard["answer"]["text"]  # type: ignore[index]
    assert tagged["guideline"] == "pos@1.0.0"
    units = tagged["units"]
    assert units[0]["begin_seconds"] is not None  # type: ignore[index]


def test_a_silent_recording_keeps_its_transcript_and_says_that_nobody_speaks(
    home: Path, tmp_path: Path
) -> None:
    silence = Path(__file__).parents[2] / "eval/suites/transcription/files/silence.ogg"
    out = tmp_path / "labels.jsonl"
    result = runner.invoke(app, ["label", str(silence), "-g", "pos", "-o", str(out)])
    assert result.exit_code == 0, result.output
    assert [row["guideline"] for row in lines(out)] == ["transcription@1.0.0"]
    assert "nobody speaks" in result.output
