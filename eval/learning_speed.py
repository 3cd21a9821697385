"""How fast learning, certifying and a student are: `python -m eval.learning_speed`.

LLMLABEL_DATA names the folder of data sets. One processor core, whatever the machine has. The
labeled texts of a set are repeated, each time with a little noise on their vectors and under
another hash, until there are as many as `--gold` says: good for timing, and for nothing else.
Seconds are processor time, so that what else the machine does matters less. `calibrate`: fitted
and cross-fitted on all of the gold. `certify`: thresholds, losses and the search on all of it,
answers by student and calibrator included, the language model's left out. `student`: learned and
cross-fitted besides. `documents`: answers of the student alone per second, text to label, by one
that learned from all of the gold.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from eval.labeled_sets import SETS, LabeledSet, Part
from eval.splits import Population, judged
from llmlabel.bootstrap import build
from llmlabel.confidence.choice_calibrator import fit_choice_calibrator
from llmlabel.domain.document import Document
from llmlabel.domain.promise import Promise
from llmlabel.embedding import SentenceEmbedder
from llmlabel.labelers.student import Student, StudentLabeler
from llmlabel.learning.choice import STUDENT
from llmlabel.learning.student_fit import cross_fit_student, fit_student
from llmlabel.settings import Settings

PROMISE = Promise(kind="delivered", error=0.05, probability=0.95)
HEADS = ("set", "gold", "labels", "calibrate", "certify", "student", "documents per second")


def main(words: Sequence[str] | None = None) -> int:
    """Print one table."""
    parser = argparse.ArgumentParser(prog="python -m eval.learning_speed", description=__doc__)
    parser.add_argument("sets", nargs="*", help=f"of {', '.join(SETS)} (default: all)")
    parser.add_argument("--gold", type=int, default=10_000, help="labels (default 10000)")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(words)
    folder = os.environ.get("LLMLABEL_DATA")
    if folder is None:
        parser.error("set LLMLABEL_DATA to the folder of data sets")
    asyncio.run(_all(given, Path(folder)))
    return 0


async def _all(given: argparse.Namespace, folder: Path) -> None:
    from threadpoolctl import threadpool_limits  # noqa: PLC0415

    print(f"| {' | '.join(HEADS)} |\n|{'---|' * len(HEADS)}", flush=True)
    app = build(Settings())
    try:
        encoder = SentenceEmbedder(app.models.path("minilm-l6-int8"), 1)
        for name in given.sets or SETS:
            found = LabeledSet.open(app, folder, name)
            train, test = await found.part("train"), await found.part("test")
            with threadpool_limits(1):
                cells = await _row(name, train, test, found, encoder, given)
            print(f"| {' | '.join(cells)} |", flush=True)
    finally:
        await app.close()


async def _row(
    name: str,
    train: Part,
    test: Part,
    found: LabeledSet,
    encoder: SentenceEmbedder,
    given: argparse.Namespace,
) -> list[str]:
    gold = repeated(train, given.gold, given.seed)
    names = gold.evidence.labels
    prototypes = found.prototypes()
    began = time.process_time()
    crossed = cross_fit_student(
        gold.vectors, gold.gold, names, gold.text_sha, prototypes=prototypes, seed=given.seed
    )
    student = fit_student(
        gold.vectors,
        gold.gold,
        names,
        gold.text_sha,
        prototypes=prototypes,
        seed=given.seed,
        freedom=crossed.freedom,
        temperature=crossed.temperature,
    )
    learning = time.process_time() - began
    evidence = gold.evidence.with_labeler(STUDENT, crossed.logs, crossed.extras)
    began = time.process_time()
    fit = fit_choice_calibrator(evidence, gold.gold, text_sha=gold.text_sha, seed=given.seed)
    calibrating = time.process_time() - began
    new = repeated(train, given.gold, given.seed + 1)
    began = time.process_time()
    logs = student.logs(new.vectors)
    near = student.nearest(new.vectors, new.text_sha)
    said = fit.calibrator.judge(
        new.evidence.with_labeler(STUDENT, logs, near.evidence(logs.argmax(axis=1)))
    )
    loss = (said.answer != new.gold).astype(np.float64)
    everything = np.arange(len(new))
    judged(Population(said.confidence, loss, fit.confidence), PROMISE, everything, everything)
    certifying = time.process_time() - began
    speed = await documents_per_second(student, encoder, found, test)
    return [
        name,
        f"{len(gold)}",
        f"{len(names)}",
        f"{calibrating:.1f}",
        f"{certifying:.1f}",
        f"{learning:.1f}",
        f"{speed:.0f}",
    ]


async def documents_per_second(
    student: Student, encoder: SentenceEmbedder, found: LabeledSet, test: Part
) -> float:
    """Documents of the test file that the student labels in a second of one core."""
    labeler = StudentLabeler(student, encoder)
    documents = [Document.of_text(text) for text in test.texts]
    await labeler.predict(documents[:64], found.union, [()] * 64)
    began = time.process_time()
    for start in range(0, len(documents), 64):
        batch = documents[start : start + 64]
        await labeler.predict(batch, found.union, [()] * len(batch))
    return len(documents) / (time.process_time() - began)


def repeated(part: Part, n: int, seed: int) -> Part:
    """As many documents as wanted: the same ones again, a little moved, under other hashes."""
    whole = part.rows(np.arange(n) % len(part))
    noise = np.random.default_rng(seed).normal(0, 0.01, whole.vectors.shape)
    moved = (whole.vectors + noise).astype(np.float32)
    moved /= np.linalg.norm(moved, axis=1, keepdims=True)
    sha = [hashlib.sha256(f"{seed} {row}".encode()).hexdigest() for row in range(n)]
    return Part(whole.evidence, moved, whole.gold, sha, whole.texts)


if __name__ == "__main__":
    sys.exit(main())
