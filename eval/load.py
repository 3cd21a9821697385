"""How many documents a second are accepted and labeled, and how long one that is waited for takes.

Run: python -m eval.load [--databases sqlite,postgresql] [--models none,http] [--workers 1,2]

The service is `llmlabel serve`, with `llmlabel worker` beside it for each worker more, on an empty
database. Its model takes no time: one in the process (`none`), which leaves what the service
itself does, or a provider over HTTP (`http`), a process of its own. Documents come in lists from
a few clients that wait for nobody. Wall time is that of all processes on one machine together;
the processor time of each, per document, is what to compare.
"""

from __future__ import annotations

import argparse
import http.client
import json
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import numpy as np
import sqlalchemy as sa

from eval.full_queue import TEXT, database, write_guideline
from eval.load_processes import (
    PostgresCpu,
    Process,
    free_port,
    llmlabel,
    provider,
    wait_for,
)
from llmlabel.store.database import Database
from llmlabel.store.tables import labels, requests, workers
from llmlabel.store.work import LONG_AGO

GIVE_UP_SECONDS = 600
BUSY = (429, 503)


class Running(NamedTuple):
    """A service with what belongs to it."""

    address: str
    url: str
    parts: dict[str, Process | PostgresCpu]

    def cpu_seconds(self) -> dict[str, float]:
        return {name: part.cpu_seconds for name, part in self.parts.items()}


@contextmanager
def running(
    kind: str,
    model: str,
    processes: int,
    *,
    seconds: float,
    profile: bool,
    settings: dict[str, str],
) -> Iterator[Running]:
    """A service on an empty database until the end of the block; prints profiles afterwards."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = stack.enter_context(database(folder, None, kind == "postgresql"))
        parts: dict[str, Process | PostgresCpu] = {}
        port = free_port()
        values: dict[str, object] = {
            "home": folder / "home",
            "database_url": url,
            "guideline_paths": write_guideline(folder),
            "train_after": 0,
            "log_level": "warning",
            "llm": "hosted_vllm/instant",
            **settings,
        }
        if model == "http":
            values["llm_api_base"], parts["provider"] = stack.enter_context(
                provider(folder, seconds)
            )
        made: list[Process] = []
        for n in range(processes):
            command = ["worker"] if n else ["serve"]
            name = f"worker {n + 1}" if n else "serve"
            process = llmlabel(
                name,
                folder,
                command,
                values | {"port": port + n},
                instant=model == "none",
                profile=profile,
            )
            stack.callback(process.stop)
            made.append(process)
            parts[name] = process
            if not n:
                wait_for(f"http://127.0.0.1:{port}/healthz", process)
        _wait_for_workers(url, made)
        if kind == "postgresql":
            parts["postgresql"] = PostgresCpu(url)
        yield Running(f"http://127.0.0.1:{port}", url, parts)
        for process in made:
            process.check()
            process.stop()
            if profile:
                print(f"\n{process.name}:")
                print((folder / f"{process.name}.profile").read_text("utf-8"))


def _wait_for_workers(url: str, processes: Sequence[Process]) -> None:
    store = Database(url)
    alive = sa.select(sa.func.count()).select_from(workers).where(workers.c.seen_at > LONG_AGO)
    seen, until = 0, time.monotonic() + GIVE_UP_SECONDS
    while seen < len(processes) and time.monotonic() < until:
        for process in processes:
            process.check()
        time.sleep(0.2)
        with store.read() as connection:
            seen = connection.execute(alive).scalar_one()
    store.close()


class Client:
    """A connection that stays open."""

    def __init__(self, address: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=120)

    def post(self, body: bytes, prefer: str = "") -> tuple[int, Any]:
        """Send documents, again where the service is full; the status and the answer."""
        headers = {"Content-Type": "application/json"} | ({"Prefer": prefer} if prefer else {})
        while True:
            self._connection.request("POST", "/v1/documents", body, headers)
            response = self._connection.getresponse()
            said = response.read()
            if response.status not in BUSY:
                return response.status, json.loads(said)
            time.sleep(float(response.headers.get("Retry-After", 1)))


def text(n: int) -> str:
    return f"{TEXT}({n})"


def sustained(service: Running, documents: int, listed: int, clients: int) -> dict[str, float]:
    """Send many documents and wait for their labels.

    Args:
        service: It.
        documents: How many.
        listed: In one request.
        clients: At once.

    Returns:
        Documents accepted and labeled a second, and CPU milliseconds a document by process.
    """
    warm(service)
    bodies = [
        json.dumps(
            {
                "guidelines": ["mood"],
                "documents": [
                    {"id": f"d-{n:07}", "text": text(n)}
                    for n in range(start, min(start + listed, documents))
                ],
            }
        ).encode()
        for start in range(0, documents, listed)
    ]
    before = service.cpu_seconds()
    began = time.monotonic()
    at_once(clients, bodies, lambda client, body: _accepted(client.post(body)), service.address)
    accepted = time.monotonic() - began
    wait_until_labeled(service)
    labeled = time.monotonic() - began
    after = service.cpu_seconds()
    each = {name: 1000 * (after[name] - before[name]) / documents for name in after}
    return {"accepted/s": documents / accepted, "labeled/s": documents / labeled, **each}


def _accepted(answered: tuple[int, Any]) -> None:
    status, said = answered
    if status not in (200, 202):
        raise SystemExit(f"not accepted, {status}: {said}")


def warm(service: Running) -> None:
    """Have the service load what it needs."""
    client = Client(service.address)
    for n in range(20):
        body = {"text": f"warm {n}", "guidelines": ["mood"]}
        status, said = client.post(json.dumps(body).encode(), "wait=60")
        if status != 200:
            raise SystemExit(f"the first documents were not labeled, {status}: {said}")
    others = sum(name.startswith("worker") for name in service.parts)
    for n in range(10 * others):
        # More than the service itself begins at once, so that its workers get some.
        some = [{"text": f"warm {n} {k}"} for k in range(100)]
        body = {"guidelines": ["mood"], "documents": some}
        _accepted(client.post(json.dumps(body).encode()))
    wait_until_labeled(service)


def wait_until_labeled(service: Running) -> None:
    """Wait until nothing asked is still to come; stop where something failed."""
    store = Database(service.url)
    until = time.monotonic() + GIVE_UP_SECONDS
    try:
        while time.monotonic() < until:
            with store.read() as connection:
                count = sa.select(sa.func.count()).select_from(requests)
                if not connection.execute(count.where(requests.c.status == "queued")).scalar():
                    failed = connection.execute(count.where(requests.c.status == "failed")).scalar()
                    asked = connection.execute(count).scalar()
                    made = connection.execute(
                        sa.select(sa.func.count()).select_from(labels)
                    ).scalar()
                    break
            time.sleep(0.2)
        else:
            raise SystemExit(f"not all documents were labeled within {GIVE_UP_SECONDS} s")
    finally:
        store.close()
    if failed or asked != made:
        raise SystemExit(f"of {asked} requests {failed} failed; there are {made} labels")


def at_once(clients: int, work: Sequence[Any], do: Any, address: str) -> list[Any]:
    """Do the work with so many clients, each with its own connection; what each piece gave."""
    results: list[Any] = [None] * len(work)
    left = iter(range(len(work)))
    lock = threading.Lock()
    errors: list[BaseException] = []

    def run() -> None:
        client = Client(address)
        try:
            while True:
                with lock:
                    n = next(left, None)
                if n is None or errors:
                    return
                results[n] = do(client, work[n])
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return results


def single(service: Running, n: int, clients: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Milliseconds that each of n documents took that were sent alone and waited for."""
    marks = [
        json.dumps({"text": f"{clients} {text(k)}", "guidelines": ["mood"]}).encode()
        for k in range(n)
    ]

    def timed(client: Client, body: bytes) -> float:
        began = time.perf_counter()
        status, said = client.post(body, "wait=60")
        if status != 200:
            raise SystemExit(f"not labeled, {status}: {said}")
        return 1000 * (time.perf_counter() - began)

    return np.array(at_once(clients, marks, timed, service.address))


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--databases", default="sqlite,postgresql")
    parser.add_argument("--models", default="none,http")
    parser.add_argument("--workers", default="1,2", help="processes that label")
    parser.add_argument("--documents", type=int, default=5000)
    parser.add_argument("--listed", type=int, default=200, help="documents in one request")
    parser.add_argument("--clients", type=int, default=2)
    parser.add_argument("--single", type=int, default=0, help="so many waited for, instead")
    parser.add_argument("--at-once", default="1,8", help="clients of these")
    parser.add_argument("--seconds", type=float, default=0.05, help="of the provider, for these")
    parser.add_argument("--profile", action="store_true", help="say where the time goes")
    parser.add_argument("--set", action="append", default=[], help="NAME=VALUE, a setting")
    given = parser.parse_args(arguments)
    settings = dict(each.split("=", 1) for each in given.set)
    for kind in given.databases.split(","):
        if given.single:
            with running(
                kind,
                "http",
                1,
                seconds=given.seconds,
                profile=given.profile,
                settings=settings,
            ) as service:
                warm(service)
                for clients in map(int, given.at_once.split(",")):
                    before = service.cpu_seconds()
                    taken = single(service, given.single, clients)
                    after = service.cpu_seconds()
                    used = {name: 1000 * (after[name] - before[name]) for name in after}
                    _print_single(kind, clients, taken, used, given)
            continue
        for model in given.models.split(","):
            for processes in map(int, given.workers.split(",")):
                with running(
                    kind, model, processes, seconds=0.0, profile=given.profile, settings=settings
                ) as service:
                    found = sustained(service, given.documents, given.listed, given.clients)
                    _print_sustained(kind, model, processes, found)


def _print_sustained(kind: str, model: str, processes: int, found: dict[str, float]) -> None:
    rates = ", ".join(f"{name} {found.pop(name):,.0f}" for name in ("accepted/s", "labeled/s"))
    print(f"{kind:10} model {model:4} workers {processes}: {rates}; {_each(found)}")


def _each(used: dict[str, float]) -> str:
    return "CPU ms a document: " + ", ".join(f"{name} {ms:.2f}" for name, ms in used.items())


def _print_single(
    kind: str, clients: int, taken: Any, used: dict[str, float], given: argparse.Namespace
) -> None:
    p50, p99 = np.percentile(taken, (50, 99))
    waited = 1000 * given.seconds
    print(
        f"{kind:10} {clients:2} clients, provider {waited:.0f} ms: p50 {p50:.0f} ms, p99 "
        f"{p99:.0f} ms, {p50 - waited:.0f} ms p50 above the provider; "
        + _each({name: ms / len(taken) for name, ms in used.items()})
    )


if __name__ == "__main__":
    main()
