"""A real service with items of every kind to review; only labeling and hearing are left out.

`python tests/web/review_service.py --port 8765` serves it until it is stopped.
"""

from __future__ import annotations

import argparse
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import uvicorn

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "api")]

import measured  # noqa: E402
import seeds  # noqa: E402
from seeded import Seeder  # noqa: E402
from small_service import SmallService  # noqa: E402

from llmlabel.api import create_app  # noqa: E402
from llmlabel.guidelines import GuidelineLibrary  # noqa: E402
from llmlabel.learning.watch import Watch  # noqa: E402
from llmlabel.review import ReviewQueue  # noqa: E402
from llmlabel.shipped import search_folders  # noqa: E402
from llmlabel.store import Store  # noqa: E402


class ReviewService(SmallService):
    """A small service whose queue is full.

    Args:
        folder: For its database, unless one is named, and recordings.
        database: SQLAlchemy URL of an empty database.
        choices: How many short opinions wait to be decided.
        lease_seconds: How long an item is held.
        kinds: Which items wait (panels, choice, spans, tokens, transcript); None for all.
        past: Labels were certified, audited and agreed on before, so that there is to measure.
    """

    def __init__(
        self,
        folder: Path,
        *,
        database: str | None = None,
        choices: int = 120,
        lease_seconds: float = 300,
        kinds: frozenset[str] | None = None,
        past: bool = False,
    ) -> None:
        super().__init__(folder)
        if database is not None:
            self.store.close()
            self.store = Store.open(database, recordings=folder / "sound")
        made = seeds.many_labels(folder / "guidelines")
        if past:
            measured.guideline_file(made)
        self.guidelines = GuidelineLibrary([made, *search_folders("guidelines")])
        self.reviews = ReviewQueue(self.store, self.guidelines.get, lease_seconds=lease_seconds)
        self.watch = Watch(self.store, self.guidelines.get)
        self.settings.max_audio_bytes = 5_000_000
        seed = Seeder(self.store, self.guidelines)
        wanted = kinds or frozenset({"panels", "choice", "spans", "tokens", "transcript"})
        if "panels" in wanted:
            seeds.panels(seed, self.reviews)
        if "choice" in wanted:
            seeds.choices(seed, choices)
        if "spans" in wanted:
            seeds.spans(seed)
        if "tokens" in wanted:
            seeds.tokens(seed)
        if "transcript" in wanted:
            seeds.transcripts(seed)
        if past:
            measured.with_a_past(self.store, self.guidelines)

    def pass_seconds(self, seconds: float) -> None:
        """From now on its clock is so much further ahead: leases end without being waited for."""
        before = self.store.database.clock
        self.store.database.clock = lambda: before() + timedelta(seconds=seconds)


@contextmanager
def serving(service: SmallService, port: int = 0) -> Iterator[str]:
    """Serve it on a free port of this machine, in a thread; gives its address."""
    config = uvicorn.Config(
        create_app(service),  # type: ignore[arg-type]
        host="127.0.0.1",
        port=port,
        log_level="warning",
        timeout_graceful_shutdown=2,
    )
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", port))
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    while not server.started:
        if not thread.is_alive():
            raise RuntimeError("the service did not start; its log says why")
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=20)
        listener.close()


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument("--database", help="SQLAlchemy URL of an empty database")
    parser.add_argument("--choices", type=int, default=120)
    parser.add_argument("--lease-seconds", type=float, default=300)
    parser.add_argument("--past", action="store_true", help="with something to measure")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        service = ReviewService(
            Path(folder),
            database=given.database,
            choices=given.choices,
            lease_seconds=given.lease_seconds,
            past=given.past,
        )
        with serving(service, given.port) as address:
            print(f"{address}/review", flush=True)  # noqa: T201
            try:
                threading.Event().wait()
            except KeyboardInterrupt:
                return


if __name__ == "__main__":
    main()
