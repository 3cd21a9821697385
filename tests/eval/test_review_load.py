"""The load test of the review queue, in short: all is well, and what is not is noticed."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from eval.full_queue import fill, serving, write_guideline  # noqa: E402
from eval.load_checks import broken, counts  # noqa: E402
from eval.load_reviewers import Diary, review  # noqa: E402
from llmlabel.store import Store  # noqa: E402
from llmlabel.store.tables import reviews, verdicts  # noqa: E402


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, int, Diary]]:
    """A queue after a few reviewers have worked on it for a moment."""
    folder = tmp_path_factory.mktemp("load")
    guidelines = write_guideline(folder, benchmarks=0.2)
    url = f"sqlite:///{folder / 'store.db'}"
    store = Store.open(url, recordings=folder / "recordings")
    seeded = fill(store, guidelines, 1000)  # more than they can do
    with serving(folder, url, guidelines) as served:
        diary, _ = asyncio.run(review(served.address, 6, 4.0, 0.0))
    yield store, seeded, diary
    store.close()


def spoiled(worked: tuple[Store, int, Diary], statement: Any) -> list[str]:
    """What is found broken after a statement, which is taken back."""
    store, seeded, diary = worked
    # The same connection for what is spoiled and for the check: nothing is committed.
    with store.database.engine.connect() as connection:
        connection.execute(statement)
        return broken(store, seeded, diary, connection)


def test_reviewers_at_once_break_no_rule(worked: tuple[Store, int, Diary]) -> None:
    store, seeded, diary = worked
    assert broken(store, seeded, diary) == []
    assert {code for _, code in diary.codes} <= {200, 204, 404, 409}
    assert counts(store)["reviews done"] > 20


def test_a_verdict_that_is_gone_is_noticed(worked: tuple[Store, int, Diary]) -> None:
    newest = sa.select(sa.func.max(verdicts.c.seq)).scalar_subquery()
    found = spoiled(worked, sa.delete(verdicts).where(verdicts.c.seq == newest))
    assert any("is not in the database" in each for each in found)


def test_an_item_decided_twice_is_noticed(worked: tuple[Store, int, Diary]) -> None:
    columns = [column for column in verdicts.c if column.name != "seq"]
    decided = sa.select(sa.func.max(reviews.c.winner)).scalar_subquery()
    again = sa.insert(verdicts).from_select(
        columns, sa.select(*columns).where(verdicts.c.seq == decided)
    )
    found = spoiled(worked, again)
    assert any("its standing verdicts are" in each for each in found)
    assert any("nobody was told of" in each for each in found)


def test_an_item_that_is_lost_is_noticed(worked: tuple[Store, int, Diary]) -> None:
    one = sa.select(sa.func.max(reviews.c.seq)).where(
        reviews.c.status == "open", reviews.c.kind == "doubt"
    )
    found = spoiled(worked, sa.delete(reviews).where(reviews.c.seq == one.scalar_subquery()))
    assert any("reviews were seeded" in each for each in found)


def test_a_decided_item_without_its_label_is_noticed(worked: tuple[Store, int, Diary]) -> None:
    done = sa.select(sa.func.max(reviews.c.seq)).where(
        reviews.c.status == "done", reviews.c.panel.is_(None)
    )
    opened = sa.update(reviews).where(reviews.c.seq == done.scalar_subquery())
    found = spoiled(worked, opened.values(status="open", winner=None))
    assert any("is verified: True, should be False" in each for each in found)


@pytest.mark.timeout(600)
def test_the_command_prints_its_table_and_succeeds() -> None:
    options = ["--reviewers", "3", "--seconds", "2", "--documents", "40"]
    said = subprocess.run(
        [sys.executable, "-m", "eval.review_load", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=540,
        check=False,
    )
    assert said.returncode == 0, said.stdout + said.stderr
    assert "broken rules: none" in said.stdout
    assert "p99 ms" in said.stdout
