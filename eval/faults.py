"""What is accepted is labeled exactly once, whatever breaks meanwhile.

Run: python -m eval.faults [--rounds 10] [--documents 5000] [--database both] [--fault kill …]

Each round starts a service that only accepts, three workers and a provider that fails one call
in ten, submits the documents and breaks something:

    kill      the service and the workers, one at a time, at random moments, without notice
    provider  the provider is down
    clock     the time of day of all processes is moved, forward and back
    disk      no file may grow, as if the disk were full (SQLite)
    restart   PostgreSQL crashes and comes back

A round is good when every document is stored, labeled once and rightly, and nothing waits.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from eval.fault_world import World

FAULTS = ("kill", "provider", "clock", "disk", "restart")
ONLY = {"disk": "sqlite", "restart": "postgresql"}


def kill(world: World, seconds: float) -> None:
    """Kill one process after another, at random moments between the first document and the last.

    So many are killed as there are seconds; moments are counted in documents accepted or labeled,
    since a slow machine takes long to start a process again.
    """
    moments = (world.dice.uniform(0, 1.9 * world.documents) for _ in range(int(seconds)))
    for moment in sorted(moments):
        while world.accepted + world.counts().get("done", 0) < moment:
            time.sleep(0.05)
        time.sleep(world.dice.uniform(0, 0.5))
        world.kill(world.dice.choice(world.names))


def provider(world: World, seconds: float) -> None:
    """The provider is down."""
    time.sleep(2)
    world.down = True
    time.sleep(seconds)
    world.down = False


def clock(world: World, seconds: float) -> None:
    """Clocks are moved."""
    for ahead in (3600, -7200, 86_400, 0):
        time.sleep(seconds / 4)
        world.ahead.write_text(str(ahead), "ascii")


def disk(world: World, seconds: float) -> None:
    """No file may grow."""
    time.sleep(2)
    sizes = [file.stat().st_size for file in world.folder.glob("faults.db*")]
    world.limit_files(max(sizes))
    time.sleep(seconds)
    world.limit_files(None)


def restart(world: World, seconds: float) -> None:
    """PostgreSQL crashes, again and again."""
    for _ in range(3):
        time.sleep(seconds / 3)
        world.restart_database()


DOES: dict[str, Callable[[World, float], None]] = {
    "kill": kill,
    "provider": provider,
    "clock": clock,
    "disk": disk,
    "restart": restart,
}


def run(
    folder: Path,
    fault: str,
    database: str,
    *,
    documents: int,
    seconds: float,
    seed: int = 0,
    workers: int = 3,
    patience: float = 600.0,
) -> tuple[list[str], str]:
    """One round.

    Args:
        folder: Empty.
        fault: What is broken.
        database: `sqlite` or `postgresql`.
        documents: How many are submitted.
        seconds: For how long it is broken, or how many processes are killed.
        seed: Of what happens by chance.
        workers: Beside the service.
        patience: Seconds until what is not done is lost.

    Returns:
        What is wrong in the end, and what happened in one line.
    """
    begin = time.monotonic()
    given = {"documents": documents, "seed": seed, "workers": workers}
    with World(folder, database, **given) as world:
        sending = world.submit()
        DOES[fault](world, seconds)
        sending.join(patience)
        end = begin + patience
        failed: dict[str, int] = {}
        while not world.settled() and time.monotonic() < end:
            time.sleep(0.25)
            failed = {code: max(n, failed.get(code, 0)) for code, n in _failed(world).items()}
        wrong = world.check()
        wrong += [f"{name} ended by itself" for name in world.ended()]
        told = (
            f"{fault:9} {database:10} {documents} documents, {world.killed} kills, "
            f"{world.refused} requests sent again, {len(world.provider.requests)} calls of the "
            f"provider, {time.monotonic() - begin:.0f} s"
        )
        unanswered = world.unanswered()
        if unanswered:
            told += f", {unanswered} to people without an answer"
        if failed:
            told += f", failed meanwhile {failed}"
    return wrong, told


def _failed(world: World) -> dict[str, int]:
    try:
        return world.failures()
    except Exception:
        return {}


def main(arguments: Sequence[str]) -> int:
    """Print a line for every round; 1 if any is not good."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=10, help="of each fault on each database")
    parser.add_argument("--documents", type=int, default=5000)
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--fault", choices=FAULTS, nargs="*", default=FAULTS)
    parser.add_argument("--kills", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=60.0, help="of any other fault")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="folder that keeps databases and logs")
    given = parser.parse_args(arguments)
    databases = ("sqlite", "postgresql") if given.database == "both" else (given.database,)
    bad = 0
    for number in range(given.rounds):
        for fault in given.fault:
            for database in databases:
                if ONLY.get(fault, database) != database:
                    continue
                seconds = given.kills if fault == "kill" else given.seconds
                with tempfile.TemporaryDirectory(prefix="faults-") as folder:
                    place = Path(folder)
                    if given.keep:
                        place = given.keep / f"{number}-{fault}-{database}"
                        place.mkdir(parents=True)
                    wrong, told = run(
                        place,
                        fault,
                        database,
                        documents=given.documents,
                        seconds=seconds,
                        seed=given.seed + number,
                        patience=600 + given.documents / 5,
                    )
                bad += bool(wrong)
                print(f"{'BAD ' if wrong else 'good'} {told}", *wrong, sep="\n     ", flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
