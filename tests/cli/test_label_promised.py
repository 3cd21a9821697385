"""`llmlabel label` where something is promised: what decides, and by what it is said."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result
from mood_service import REF, give_gold, provider, texts, write_guideline
from typer.testing import CliRunner

from llmlabel.bootstrap import build
from llmlabel.cli.main import app
from llmlabel.settings import Settings
from llmlabel.store import Store

PROMISE = {"kind": "accepted", "error": 0.1, "probability": 0.9}


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words), env={"COLUMNS": "160"})


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A home of the test's own, whose model is a fake provider."""
    monkeypatch.chdir(tmp_path)
    with provider() as fake:
        for name, value in {
            "HOME": str(tmp_path / "home"),
            "GUIDELINE_PATHS": str(write_guideline(tmp_path / "guidelines")),
            "LLM": "hosted_vllm/any",
            "LLM_API_KEY": "none",
            "LLM_API_BASE": fake.url,
        }.items():
            monkeypatch.setenv(f"LLMLABEL_{name}", value)
        opened = build(Settings()).store
        yield opened
        opened.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "texts.jsonl"
    # The model is surer of the second than of the first.
    some = [*texts(1, 90), *texts(1, 179)]
    path.write_text("".join(json.dumps({"id": t, "text": t}) + "\n" for t in some), "utf-8")
    return path


def labeled(file: Path) -> list[dict[str, object]]:
    result = run("label", str(file), "-g", "mood", "--format", "jsonl")
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def table(file: Path) -> str:
    result = run("label", str(file), "-g", "mood", "--format", "table")
    assert result.exit_code == 0, result.output
    return " ".join(result.stdout.split())


def test_what_nothing_proves_goes_to_review_and_says_what_is_promised(
    store: Store, file: Path
) -> None:
    for row in labeled(file):
        assert (row["route"], row["promise"], row["certificate"]) == ("review", PROMISE, None)
    said = table(file)
    assert "accepted ≥" not in said
    assert "nothing proves it yet" in said
    assert f"{REF}: accepted:0.1:0.9 is promised, and nothing in force proves it" in said


def test_a_certificate_decides_and_is_named_with_its_promise(store: Store, file: Path) -> None:
    give_gold(store, texts(200, 1000))
    assert run("certify", "mood").exit_code == 0
    certificate = store.certificates.active(REF)
    assert certificate is not None
    assert certificate.threshold is not None
    for row in labeled(file):
        assert (row["route"], row["certificate"]) == ("accepted", certificate.id)
        assert row["promise"] == PROMISE
        assert row["source"]["threshold"] == certificate.threshold  # type: ignore[index]
        assert not {"audit_rate", "drawn"} & set(row)
    said = table(file)
    assert f"accepted ≥ {certificate.threshold:.2f}" in said
    assert f"{REF}: accepted:0.1:0.9 is promised, proved by {certificate.id}" in said


def test_a_closed_gate_is_told_in_the_table_and_in_the_lines(store: Store, file: Path) -> None:
    give_gold(store, texts(200, 1000))
    assert run("certify", "mood").exit_code == 0
    store.gates.close(REF, "The promise was found broken.")
    assert {row["route"] for row in labeled(file)} == {"review"}
    assert "The promise was found broken." in table(file)
