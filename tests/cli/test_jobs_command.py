"""`llmlabel jobs`: what failed is seen and retried from the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from llmlabel.cli.main import app
from llmlabel.domain.document import Document
from llmlabel.errors import Conflict, InvalidInput
from llmlabel.store import Failure, Store

REF = "sentiment@1.0.0"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Two labels that failed, and one that waits."""
    monkeypatch.setenv("LLMLABEL_HOME", str(tmp_path))
    store = Store.open(f"sqlite:///{tmp_path / 'llmlabel.db'}", recordings=tmp_path / "recordings")
    store.documents.add([Document.of_text(f"text {id}", id=id) for id in "abc"], [REF])
    failure = Failure(code="model-unreachable", detail="The provider did not answer.")
    store.work.fail(["a", "b"], REF, 1, failure)
    return store


@pytest.fixture
def jobs(store: Store) -> Callable[..., Result]:
    return lambda *words: CliRunner().invoke(app, ["jobs", *words])


def test_failed_jobs_are_listed_and_shown_with_their_errors(jobs: Callable[..., Result]) -> None:
    lines = [json.loads(line) for line in jobs("list", "--json").output.splitlines()]
    assert [each["id"] for each in lines] == [f"text:{REF}:a", f"text:{REF}:b"]
    assert "model-unreachable: The provider" in jobs("show", f"text:{REF}:a").output
    assert "The provider" in " ".join(jobs("list", "--limit", "1").output.split())
    assert "--cursor" in jobs("list", "--limit", "1").output
    assert jobs("list", "--code", "other").output == "Nothing failed.\n"
    assert f"text:{REF}:c" in jobs("list", "--status", "queued").output


def test_failed_jobs_are_retried_with_no_service_running(
    jobs: Callable[..., Result], store: Store
) -> None:
    assert "waits again" in jobs("retry", f"text:{REF}:a").output
    done = jobs("retry", "--failed", "--guideline", "sentiment")
    assert done.output == "1 job asked for anew.\n"
    assert store.counts().requests == {"queued": 3, "done": 0, "failed": 0}
    assert isinstance(jobs("retry", f"text:{REF}:a").exception, Conflict)


def test_jobs_that_wait_are_called_off(jobs: Callable[..., Result], store: Store) -> None:
    assert "is called off" in jobs("cancel", f"text:{REF}:c").output
    assert store.asked.label(REF, "c").status == "failed"


@pytest.mark.parametrize("words", [[], ["x", "--failed"], ["x", "--code", "y"]])
def test_a_retry_names_jobs_or_all_that_failed(
    jobs: Callable[..., Result], words: list[str]
) -> None:
    assert isinstance(jobs("retry", *words).exception, InvalidInput)
