"""What /readyz finds: every check ends in time and says why."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from small_service import SmallService

from llmlabel.monitoring.readiness import Checks, database, disk, worker
from llmlabel.store import Store
from llmlabel.store.migrate import VERSION_TABLE, missing_migrations


@pytest.fixture
def app(resting: FastAPI) -> FastAPI:
    return resting


async def _checks(client: httpx.AsyncClient) -> dict[str, str | None]:
    answer = (await client.get("/readyz")).json()
    return {each["name"]: each["reason"] for each in answer["checks"]}


async def test_nobody_who_takes_jobs_is_not_ready(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    assert "No process takes jobs" in str((await _checks(client))["worker"])
    service.store.work.beat("one")
    assert (await _checks(client))["worker"] is None
    service.store.work.retire("one")
    assert "No process takes jobs" in str((await _checks(client))["worker"])


def test_a_worker_that_fell_silent_is_told_with_the_time(store: Store) -> None:
    store.work.beat("one")
    assert worker(store)() is None
    later = store.database.clock() + timedelta(minutes=2)
    store.database.clock = lambda: later
    assert "sign of life for 120 seconds" in str(worker(store)())


def test_a_database_behind_the_release_is_not_ready(store: Store) -> None:
    assert database(store)() is None
    with store.database.write() as connection:
        connection.execute(sa.text(f"update {VERSION_TABLE} set version_num = '0001'"))
    assert missing_migrations(store.database)
    assert "0002" in str(database(store)())


def test_a_database_that_a_newer_release_brought_further_is_ready(store: Store) -> None:
    with store.database.write() as connection:
        connection.execute(sa.text(f"update {VERSION_TABLE} set version_num = '9999'"))
    assert database(store)() is None


def test_a_full_disk_is_not_ready(tmp_path: Path) -> None:
    assert disk(tmp_path / "not" / "there", least=1)() is None
    assert "make room" in str(disk(tmp_path / "not" / "there", least=1 << 62)())


async def test_a_check_that_hangs_has_failed_and_holds_up_no_other() -> None:
    let_go = threading.Event()

    def hangs() -> str | None:
        let_go.wait(60)
        return None

    def breaks() -> str | None:
        raise ValueError("a text that must not be shown")

    try:
        hung, broken, fine = await asyncio.wait_for(
            Checks({"a": hangs, "b": breaks, "c": lambda: None}, seconds=0.2).run(), 30
        )
    finally:
        let_go.set()
    assert (hung.ok, hung.reason) == (False, "No answer within 0.2 seconds.")
    assert (broken.ok, broken.reason) == (False, "The check itself failed: ValueError.")
    assert fine.ok
