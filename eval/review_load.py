"""Many reviewers at once over HTTP: is anything decided twice or lost, and how long do they wait?

Run: python -m eval.review_load [--reviewers 50] [--seconds 60] [--postgres | --database URL]

The service is `llmlabel serve` as a process of its own, on a database filled for the purpose. The
exit code is 1 when a rule is broken or the service failed at something.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from eval.full_queue import database, fill, serving, write_guideline
from eval.load_checks import broken, counts
from eval.load_reviewers import Diary, review
from llmlabel.store import Store

WAITED_FOR = ("take", "next", "verdict", "late", "undo", "renew", "release")
REFUSALS = {409, 404}
"""What the queue may say without fault: too late, nothing to take back."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and check; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--reviewers", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--documents", type=int, default=10_000, help="so many are to review")
    parser.add_argument(
        "--pause", type=float, default=0.0, help="mean seconds of thought before a decision"
    )
    parser.add_argument("--postgres", action="store_true", help="start the tests' PostgreSQL")
    parser.add_argument("--database", help="an empty database; by default an SQLite file")
    parser.add_argument("--log", action="store_true", help="print what the service logged")
    given = parser.parse_args(arguments)
    with (
        tempfile.TemporaryDirectory() as place,
        database(folder := Path(place), given.database, given.postgres) as url,
    ):
        guidelines = write_guideline(folder)
        began = time.monotonic()
        store = Store.open(url, recordings=folder / "recordings")
        seeded = fill(store, guidelines, given.documents)
        print(f"{seeded:,} reviews of {given.documents:,} documents", end=" ")
        print(f"put into {store.database.engine.dialect.name} in {time.monotonic() - began:.0f} s")
        with serving(folder, url, guidelines) as served:
            before = served.cpu_seconds()
            diary, lag = asyncio.run(
                review(served.address, given.reviewers, given.seconds, given.pause)
            )
            after = served.cpu_seconds()
        found = broken(store, seeded, diary)
        states = counts(store)
        store.close()
        if given.log:
            print((folder / "serve.log").read_text("utf-8", "replace"))
    print(f"\n{given.reviewers} reviewers, {given.seconds:g} s", end=", ")
    print(f"{given.pause:g} s of thought before each decision")
    report(diary, given.seconds)
    if before is not None and after is not None:
        each = (after - before) / max(1, diary.codes.total())
        print(f"the service used {1000 * each:.1f} ms of processor time a request, and ", end="")
        print(f"{(after - before) / given.seconds:.2f} processors")
    print(f"the measuring process itself was up to {1000 * lag:.0f} ms late (p99)")
    print("in the database: " + ", ".join(f"{name} {n:,}" for name, n in states.items()))
    faults = {key: n for key, n in diary.codes.items() if _is_fault(key[1])}
    print("\nbroken rules:", "none" if not found else "")
    for each in found[:20]:
        print(f"  {each}")
    if len(found) > 20:
        print(f"  and {len(found) - 20} more")
    for (what, code), n in faults.items():
        print(f"fault: {what} was answered {code or 'not at all'} {n} times")
    return 1 if found or faults else 0


def report(diary: Diary, seconds: float) -> None:
    """Print rates and waiting times."""
    decided = sum(each.kind != "undo" for each in diary.told)
    rates = f"{diary.codes.total() / seconds:,.0f} requests/s, {decided / seconds:,.0f} decisions/s"
    print(
        f"{rates}\n\n{'':10}{'n':>8}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}{'max ms':>9}  answers"
    )
    for what in WAITED_FOR:
        taken = 1000 * np.array(diary.seconds.get(what, []))
        if taken.size:
            p50, p95, p99 = np.percentile(taken, (50, 95, 99))
            codes = ", ".join(
                f"{code or 'none'}: {n}"
                for (asked, code), n in sorted(diary.codes.items())
                if asked == what
            )
            row = f"{what:10}{taken.size:>8}{p50:>9.1f}{p95:>9.1f}{p99:>9.1f}{taken.max():>9.1f}"
            print(f"{row}  {codes}")
    print()


def _is_fault(code: int) -> bool:
    return not 200 <= code < 300 and code not in REFUSALS


if __name__ == "__main__":
    raise SystemExit(main())
