"""The measurement of the page, in short: it runs to its end and prints its table."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.timeout(600)
def test_a_scripted_reviewer_confirms_items_and_every_verdict_is_kept(browser: Any) -> None:
    said = subprocess.run(
        [sys.executable, "-m", "eval.review_page", "--items", "12", "--no-limits"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=540,
        check=False,
    )
    assert said.returncode == 0, said.stdout + said.stderr
    for row in ("key to paint, p95", "machine time a decision", "scripts of the first load"):
        assert row in said.stdout
    scripts = next(line for line in said.stdout.splitlines() if line.startswith("scripts"))
    assert scripts.endswith("limit 200 KB: met")
