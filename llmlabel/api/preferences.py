"""`Prefer: wait=N`: answer when the work is done, if that is soon."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Annotated

from fastapi import Depends, Header
from starlette.concurrency import run_in_threadpool

from llmlabel.jobs import Jobs

MAX_WAIT_SECONDS = 60.0
_FIRST_LOOK, _LAST_LOOK = 0.03, 0.25
# Where this process does the work it is told of the end; another one may have done it all the same.
_FIRST_LOOK_BESIDE = 0.1
_WAIT = re.compile(r"(?:^|[,;])\s*wait\s*=\s*\"?(\d{1,9})\"?\s*(?=$|[,;])", re.IGNORECASE)


async def _wait_seconds(
    prefer: Annotated[
        str | None,
        Header(
            description="`wait=N`: answer within N seconds (60 at most), with the result if it is "
            "there by then."
        ),
    ] = None,
) -> float:
    # A preference that cannot be understood is passed over, says RFC 7240.
    found = _WAIT.search(prefer or "")
    return min(float(found[1]), MAX_WAIT_SECONDS) if found else 0.0


WaitSeconds = Annotated[float, Depends(_wait_seconds)]
"""A route's parameter of this type holds the seconds of `Prefer: wait=N`; 0 without it."""


async def settled(jobs: Jobs, ids: Sequence[str], seconds: float) -> bool:
    """Wait until nothing asked of the documents is still to come; False when time is up."""
    woken, loop = asyncio.Event(), asyncio.get_running_loop()

    def wake() -> None:
        with suppress(RuntimeError):  # the service stops, and its event loop is closed
            loop.call_soon_threadsafe(woken.set)

    with jobs.listening(ids, wake):
        first = _FIRST_LOOK_BESIDE if jobs.runner.labels_here else _FIRST_LOOK
        return await until(lambda: jobs.wait(ids, 0.0), seconds, woken, first)


async def until(
    done: Callable[[], bool],
    seconds: float,
    woken: asyncio.Event | None = None,
    first_look: float = _FIRST_LOOK,
) -> bool:
    """Wait until something is done; False when time is up.

    It looks again and again instead of blocking, so that any number of clients may wait; and at
    once where it is woken, which what another process does cannot do.
    """
    woken = woken or asyncio.Event()
    end, pause = time.monotonic() + seconds, first_look
    while not await run_in_threadpool(done):
        left = end - time.monotonic()
        if left <= 0:
            return False
        with suppress(TimeoutError):
            await asyncio.wait_for(woken.wait(), min(pause, left))
        woken.clear()
        pause = min(pause * 1.5, _LAST_LOOK)
    return True
