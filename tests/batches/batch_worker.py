"""A process that reads batches until it is killed: python batch_worker.py URL FOLDER NAME HOLD."""

from __future__ import annotations

import sys
from pathlib import Path

from batch_service import BatchService


def main() -> None:
    url, folder, name, hold = sys.argv[1:]
    # Little room, so that a file takes many transactions.
    service = BatchService(
        url, Path(folder), worker=name, room=lambda: 40, hold_seconds=float(hold)
    )
    with service.working():
        sys.stdout.write("working\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
