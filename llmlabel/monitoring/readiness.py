"""Whether work can be done: one check for each thing it needs, each within its time."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

import anyio
import anyio.to_thread

from llmlabel.domain.base import Value
from llmlabel.errors import LlmlabelError
from llmlabel.store import Store
from llmlabel.store.migrate import missing_migrations
from llmlabel.telemetry import told

LEAST_BYTES = 256 << 20
"""Below this a database, a recording or a model soon fails to be written."""

SILENT = timedelta(seconds=30)
"""Workers give a sign of life every five seconds."""

Look = Callable[[], str | None]
"""Looks at one thing; returns why it is not ready, with the remedy, or None."""


class Check(Value):
    """What was found of one thing."""

    name: str
    ok: bool
    reason: str | None = None


class Checks:
    """Runs checks side by side; one that does not end in time has failed.

    Args:
        looks: By name.
        seconds: For each.
    """

    def __init__(self, looks: Mapping[str, Look], seconds: float = 2.0) -> None:
        self._looks = dict(looks)
        self._seconds = seconds

    async def run(self) -> list[Check]:
        """What each found, in order."""
        found: dict[str, Check] = {}

        async def one(name: str, look: Look) -> None:
            found[name] = await self._check(name, look)

        async with anyio.create_task_group() as group:
            for name, look in self._looks.items():
                group.start_soon(one, name, look)
        return [found[name] for name in self._looks]

    async def _check(self, name: str, look: Look) -> Check:
        with anyio.move_on_after(self._seconds):
            try:
                reason = await anyio.to_thread.run_sync(look, abandon_on_cancel=True)
            except LlmlabelError as error:
                reason = error.detail
            except Exception as error:
                reason = f"The check itself failed: {told(error)['error']}."
            return Check(name=name, ok=reason is None, reason=reason)
        late = f"No answer within {self._seconds:g} seconds."
        return Check(name=name, ok=False, reason=late)


def database(store: Store) -> Look:
    """Reachable, and brought up to date."""

    def look() -> str | None:
        store.ping()
        missing = missing_migrations(store.database)
        if missing:
            return (
                f"The database lacks the migrations {', '.join(reversed(missing))}; start the "
                "service anew, which brings it up to date."
            )
        return None

    return look


def worker(store: Store) -> Look:
    """Some process takes jobs, here or elsewhere."""

    def look() -> str | None:
        seen = store.work.last_sign()
        if seen is None:
            return "No process takes jobs: what is accepted waits until one does."
        silent = store.database.clock() - seen
        if silent > SILENT:
            return (
                f"No process that takes jobs gave a sign of life for {silent.total_seconds():.0f} "
                "seconds: what is accepted waits. Look at its log and start it anew."
            )
        return None

    return look


def written(store: Store) -> list[Path]:
    """The folders that a store writes to on this machine."""
    name = store.database.engine.url.database
    here = [Path(name).parent] if store.database.is_sqlite and name else []
    return [store.recordings.folder, *here]


def disk(*folders: Path, least: int = LEAST_BYTES) -> Look:
    """Room where things are written.

    Args:
        folders: Where; of one that is not there yet the nearest above counts.
        least: Bytes.
    """

    def look() -> str | None:
        for folder in folders:
            there = next(each for each in (folder, *folder.absolute().parents) if each.exists())
            free = shutil.disk_usage(there).free
            if free < least:
                return (
                    f"The disk of {there} has {free >> 20} MiB left, and {least >> 20} are needed "
                    "to go on; make room."
                )
        return None

    return look
