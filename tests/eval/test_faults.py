"""The rounds of faults, in short: what is accepted is labeled once through kills and outages."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from eval.fault_world import World  # noqa: E402
from eval.faults import run  # noqa: E402
from llmlabel.store import Store  # noqa: E402


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("fault", "database", "seconds"),
    [("kill", "sqlite", 3), ("kill", "postgresql", 3), ("restart", "postgresql", 6)],
)
def test_every_document_is_labeled_exactly_once(
    tmp_path: Path, fault: str, database: str, seconds: float
) -> None:
    wrong, told = run(
        tmp_path, fault, database, documents=150, seconds=seconds, workers=2, patience=800
    )
    assert wrong == [], told


def test_what_is_lost_doubled_or_waits_is_noticed(tmp_path: Path) -> None:
    world = World(tmp_path, "sqlite", documents=3)
    world.store = Store.open(world.url, recordings=tmp_path / "recordings")
    assert world.check() == [
        "3 lost: d0, d1, d2",
        "0 documents are stored, not 3",
        "requests: {'queued': 0, 'done': 0, 'failed': 0}, {}",
    ]
    world.__exit__()
