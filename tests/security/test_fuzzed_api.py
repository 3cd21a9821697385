"""The whole HTTP interface, fuzzed from its own description; `eval.fuzz` does it for longer."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from eval.fuzz import fuzz, fuzzed_service, unexpected  # noqa: E402


@pytest.mark.timeout(1200)
def test_every_answer_is_one_that_the_description_documents(tmp_path: Path) -> None:
    with fuzzed_service(tmp_path) as served:
        boundaries = fuzz(served, tmp_path, examples=3, phases="examples,coverage")
        assert not boundaries.faults, boundaries.log
        drawn = fuzz(served, tmp_path, examples=4, phases="fuzzing", keys=True)
        assert not drawn.faults, drawn.log
    assert unexpected(tmp_path) == []
    assert boundaries.requests > 500
