from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from batch_service import BatchService


@pytest.fixture
def service(database_url: str, tmp_path: Path) -> Iterator[BatchService]:
    with BatchService(database_url, tmp_path).working() as service:
        yield service


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[BatchService]:
    """On SQLite alone, for what has nothing to do with databases."""
    with BatchService(f"sqlite:///{tmp_path / 'store.db'}", tmp_path).working() as service:
        yield service
