"""What projects cost: the time to accept a document in one, and the work of a process at rest.

python -m eval.many_projects                      # SQLite, 20 projects
python -m eval.many_projects --url postgresql://… # an empty database
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

from llmlabel.bootstrap import Application, build_service
from llmlabel.domain.document import Document
from llmlabel.settings import Settings

REF = "sentiment@1.0.0"
SETTLE_SECONDS = 8.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="Of an empty database; by default an SQLite file.")
    parser.add_argument("--projects", type=int, default=20, help="Beside the default one.")
    parser.add_argument("--documents", type=int, default=300, help="Accepted in each of two.")
    parser.add_argument("--seconds", type=float, default=20.0, help="At rest.")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        alone = _rest(_service(home, given.url, queues=("text",)), given.seconds)
        print(f"at rest with the default project: {alone:.1%} of a core")
        service = _service(home, given.url, queues=())
        names = [f"project-{number}" for number in range(given.projects)]
        for name in names:
            service.projects.create(name)
        _accept(service, ["default", *names[:1]], given.documents)
        # What was accepted is labeled by nobody: the worker below takes recordings only.
        many = _rest(_service(home, given.url, queues=("audio",)), given.seconds)
        print(f"at rest with {len(names)} more: {many:.1%} of a core")


def _service(home: Path, url: str | None, queues: tuple[str, ...]) -> Application:
    return build_service(Settings(home=home, database_url=url, queues=queues))


def _rest(service: Application, seconds: float) -> float:
    """The share of one core that a worker takes with nothing to do."""
    service.runner.start()
    time.sleep(SETTLE_SECONDS)
    busy, begun = time.process_time(), time.perf_counter()
    time.sleep(seconds)
    share = (time.process_time() - busy) / (time.perf_counter() - begun)
    service.runner.stop()
    asyncio.run(service.close())
    return share


def _accept(service: Application, names: list[str], documents: int) -> None:
    """Accept in each project in turn, so that connections go from one to another."""
    service.runner.start()
    took: dict[str, list[float]] = {name: [] for name in names}
    for number in range(documents):
        for name, seconds in took.items():
            begun = time.perf_counter()
            service.of(name).jobs.submit([Document.of_text("A text.", id=f"d{number}")], [REF])
            seconds.append(time.perf_counter() - begun)
    service.runner.stop()
    asyncio.run(service.close())
    for name, seconds in took.items():
        seconds.sort()
        middle = seconds[len(seconds) // 2]
        print(f"a document accepted in {name}: {middle * 1000:.2f} ms in the middle")


if __name__ == "__main__":
    main()
