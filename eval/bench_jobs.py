"""How fast documents are accepted and labeled when labeling itself takes no time.

Run: python -m eval.bench_jobs [--documents 5000] [--url postgresql://...]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from eval.instant_labels import at_once, nobody
from llmlabel.domain.document import Document
from llmlabel.jobs import Jobs, Runner
from llmlabel.store import Store

GUIDELINE = "sentiment@1.0.0"


def main() -> None:
    """Print rates and latencies."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--documents", type=int, default=5000)
    parser.add_argument("--request", type=int, default=500, help="documents per submission")
    parser.add_argument("--url", help="a database; by default an SQLite file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = options.url or f"sqlite:///{folder}/bench.db"
        store = Store.open(url, recordings=Path(folder) / "recordings")
        runner = Runner(store, lambda _: jobs)
        jobs = Jobs(store, at_once, nobody, runner)
        runner.start()
        text = "The delivery came two days late, but the shop was kind about it. " * 4
        documents = [Document.of_text(f"{text} {n}", id=f"d{n}") for n in range(options.documents)]
        begin = time.perf_counter()
        for start in range(0, len(documents), options.request):
            jobs.submit(documents[start : start + options.request], [GUIDELINE])
        accepted = time.perf_counter() - begin
        if not jobs.wait([document.id for document in documents], 600):
            raise SystemExit("not all documents were labeled within 10 minutes")
        labeled = time.perf_counter() - begin
        single = []
        for n in range(20):
            begin = time.perf_counter()
            jobs.submit([Document.of_text(f"one {n}", id=f"e{n}")], [GUIDELINE])
            jobs.wait([f"e{n}"], 10)
            single.append(time.perf_counter() - begin)
        print(f"database            {store.database.engine.dialect.name}")
        print(f"accepted            {len(documents) / accepted:,.0f} documents/s")
        print(f"accepted and stored {len(documents) / labeled:,.0f} documents/s")
        print(f"overhead            {1000 * labeled / len(documents):.2f} ms a document")
        print(f"one document, wait  {1000 * sorted(single)[len(single) // 2]:.0f} ms median")
        runner.stop()
        store.close()


if __name__ == "__main__":
    main()
