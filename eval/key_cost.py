"""What keys cost a request: `python -m eval.key_cost`.

The same requests are answered by one service in this process, without keys, with a key in the
header and with a browser's cookie, in turns; printed is the median of each, and what a first use
of a key takes. No network is in between.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
from fastapi import APIRouter, FastAPI

from llmlabel.access import Access
from llmlabel.api import session
from llmlabel.api.guard import Guard
from llmlabel.api.identity import Doorkeeper
from llmlabel.api.problems import install
from llmlabel.api.route import Route
from llmlabel.store import Store

PATH = "/v1/guidelines"


def service(folder: Path, name: str) -> tuple[FastAPI, Access]:
    """A service with a route that does nothing, and a door."""
    store = Store.open(f"sqlite:///{folder / name}.db", recordings=folder)
    access = Access(store, requests_per_minute=10**9)
    app = FastAPI()
    app.state.doorkeeper = Doorkeeper(access)
    app.state.service = SimpleNamespace(store=store)
    app.add_middleware(Guard, doorkeeper=app.state.doorkeeper)
    install(app)
    router = APIRouter(route_class=Route)

    @router.get(PATH)
    async def nothing() -> None:
        return None

    app.include_router(router)
    app.include_router(session.router)
    return app, access


async def measure(n: int, rounds: int) -> dict[str, float]:
    """Milliseconds of a request of each kind, the median of all."""
    with tempfile.TemporaryDirectory() as name:
        bare, _ = service(Path(name), "bare")
        keyed, access = service(Path(name), "keyed")
        _, text = access.keys.create("ann", ["reviewer"], "default", by="measured")

        def client(app: FastAPI, **headers: str) -> httpx.AsyncClient:
            transport = httpx.ASGITransport(app=app)
            return httpx.AsyncClient(transport=transport, base_url="http://t", headers=headers)

        async with (
            client(bare) as without,
            client(keyed, Authorization=f"Bearer {text}") as bearer,
            client(keyed) as cookie,
        ):
            begun = time.perf_counter()
            (await bearer.get(PATH)).raise_for_status()
            first = time.perf_counter() - begun
            (await cookie.post("/v1/session", json={"key": text})).raise_for_status()
            taken: dict[str, list[float]] = {"without keys": [], "key": [], "cookie": []}
            clients: dict[str, Any] = dict(zip(taken, (without, bearer, cookie), strict=True))
            for _ in range(rounds):
                for kind, each in clients.items():
                    for _ in range(n):
                        begun = time.perf_counter()
                        (await each.get(PATH)).raise_for_status()
                        taken[kind].append(time.perf_counter() - begun)
    medians = {kind: 1000 * statistics.median(times) for kind, times in taken.items()}
    return {"first use of a key": 1000 * first, **medians}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=300, help="requests of each kind in a round")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    found = asyncio.run(measure(given.n, given.rounds))
    for kind, milliseconds in found.items():
        more = milliseconds - found["without keys"]
        print(f"{kind:<20} {milliseconds:8.3f} ms   {more:+8.3f} ms")


if __name__ == "__main__":
    main()
