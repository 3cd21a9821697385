"""The commands under `batches`, beside a process that reads and labels."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from batch_service import BatchService
from click.testing import Result
from typer.main import get_command
from typer.testing import CliRunner

from llmlabel.cli.batches import app
from llmlabel.errors import InvalidInput, LlmlabelError, NotFound, UnknownGuideline


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LLMLABEL_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def beside(home: Path) -> Iterator[BatchService]:
    """What a running service does."""
    with BatchService(f"sqlite:///{home / 'llmlabel.db'}", home).working() as service:
        yield service


def batches(*words: str, stdin: bytes | None = None) -> Result:
    return CliRunner(env={"COLUMNS": "300"}).invoke(app, [*words], input=stdin)


def said(*words: str, stdin: bytes | None = None) -> str:
    result = batches(*words, stdin=stdin)
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def refused(*words: str) -> LlmlabelError:
    error = batches(*words).exception
    assert isinstance(error, LlmlabelError), error
    return error


def test_a_file_from_its_sending_to_its_results(
    home: Path, beside: BatchService, tmp_path: Path
) -> None:
    file = tmp_path / "reviews.csv"
    file.write_text("key,review\na,fine\nb,fine?\nc\n")
    told = said("submit", str(file), "-g", "sentiment", "--text", "review", "--id", "key", "--wait")
    [id, *_] = re.findall(r"b-[0-9a-f]{32}", told)
    assert "done, 4 of 4 lines read" in told
    assert f"1 line refused: llmlabel batches errors {id}" in told
    shown = said("status", id)
    assert "labeled 2 of 2 labels asked for so far" in shown
    assert "in review 1" in shown
    assert id in said("list", "--status", "done")
    rows = [json.loads(line) for line in batches("results", id).output.splitlines()]
    assert [(row["line"], row["id"], row["route"]) for row in rows] == [
        (2, "a", "accepted"),
        (3, "b", "review"),
    ]
    out = tmp_path / "out.parquet"
    assert "Written" in said("results", id, "--format", "parquet", "--out", str(out))
    assert pq.read_table(out).column("label").to_pylist() == ["positive", "positive"]
    wrong = batches("errors", id, "--format", "csv").output.splitlines()
    assert wrong[0] == "line,field,code,detail" and wrong[1].startswith("4,")
    assert json.loads(said("status", id, "--json"))["progress"]["labeled"] == 2


def test_a_batch_is_ordered_about(home: Path) -> None:
    lines = b'{"text": "one"}\n{"text": "two"}\n'
    told = said("submit", "-", "-g", "sentiment", "--format", "jsonl", "--budget", "3", stdin=lines)
    id = told.split(":")[0]
    assert "reading" in told
    assert "paused" in said("pause", id)
    assert "reading" in said("resume", id)
    assert "$4.50" in said("budget", id, "4.5")
    assert "no limit" in said("budget", id)
    assert json.loads(said("list", "--json"))[0]["id"] == id
    assert "cancelled" in said("cancel", id, "--yes")
    assert not (home / "batches" / id).exists()
    assert "no batches" in said("list", "--status", "done")


def test_what_cannot_be_sent_is_said_before_anything_is(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "texts"
    file.write_text("one\n")
    assert isinstance(refused("submit", str(file), "-g", "sentiment"), InvalidInput)
    assert isinstance(
        refused("submit", str(file), "-g", "none", "--format", "csv"), UnknownGuideline
    )
    assert isinstance(refused("list", "--status", "lost"), InvalidInput)
    assert isinstance(refused("results", "b-none"), NotFound)
    assert isinstance(refused("results", "b-none", "--format", "xlsx"), InvalidInput)
    missing = batches("submit", str(tmp_path / "no.csv"), "-g", "sentiment").exception
    assert isinstance(missing, FileNotFoundError)
    assert json.loads(said("list", "--json"))[0]["status"] == "cancelled"


def test_every_command_explains_itself() -> None:
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        assert command.help, name
