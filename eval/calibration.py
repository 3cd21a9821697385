"""How far confidence can be believed, with and without a student: `python -m eval.calibration`.

LLMLABEL_DATA names the folder of data sets (`text/<set>/{train,test}.jsonl`). For each set and
number of verified labels, everything is learned from that many texts drawn from the training
file, and measured on the test file, which nothing is chosen by; with `--fit-from test` both are
drawn from the test file, so that the two are alike as gold and the documents to come should be.
Replies of the language model are cached, so that only the first run is slow.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eval.labeled_sets import SETS, LabeledSet, Part
from llmlabel.bootstrap import build
from llmlabel.confidence.choice_calibrator import scores_of
from llmlabel.domain.promise import Promise
from llmlabel.learning.cascade import coverage_at
from llmlabel.learning.choice import LearnedChoice, learn_choice
from llmlabel.settings import Settings

COVERED = Promise(kind="delivered", error=0.035)


def main(words: Sequence[str] | None = None) -> int:
    """Print one table."""
    parser = argparse.ArgumentParser(prog="python -m eval.calibration", description=__doc__)
    parser.add_argument("sets", nargs="*", help=f"of {', '.join(SETS)} (default: all)")
    parser.add_argument("--verified", type=int, nargs="+", default=[500], help="labels to fit on")
    parser.add_argument("--draws", type=int, default=3, help="random draws of them, averaged")
    parser.add_argument("--fit-from", choices=("train", "test"), default="train")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(words)
    folder = os.environ.get("LLMLABEL_DATA")
    if folder is None:
        parser.error("set LLMLABEL_DATA to the folder of data sets")
    asyncio.run(_all(given, Path(folder)))
    return 0


async def _all(given: argparse.Namespace, folder: Path) -> None:
    print(
        "| set | verified | answers by | accuracy | ECE | AUROC | coverage at 3.5% wrong "
        "| model asked | seconds to learn |\n|---|---|---|---|---|---|---|---|---|"
    )
    app = build(Settings())
    try:
        for name in given.sets or SETS:
            found = LabeledSet.open(app, folder, name)
            draws = [
                np.random.default_rng(given.seed + draw).permutation(found.size(given.fit_from))
                for draw in range(given.draws)
            ]
            prototypes = found.prototypes()
            most = max(given.verified)
            if given.fit_from == "train":
                pairs = await _from_train(found, [draw[:most] for draw in draws])
            else:
                test = await found.part("test")
                pairs = [(test.rows(draw[:most]), test.rows(draw[most:])) for draw in draws]
            for n in given.verified:
                fits = [(fit.rows(np.arange(n)), judged) for fit, judged in pairs]
                _report(name, n, fits, prototypes)
    finally:
        await app.close()


async def _from_train(
    found: LabeledSet, draws: Sequence[NDArray[np.intp]]
) -> list[tuple[Part, Part]]:
    # Only the drawn texts are labeled, each once.
    wanted = np.unique(np.concatenate(draws))
    train = await found.part("train", wanted)
    test = await found.part("test")
    return [(train.rows(np.searchsorted(wanted, draw)), test) for draw in draws]


def _report(
    name: str, n: int, fits: Sequence[tuple[Part, Part]], prototypes: NDArray[np.float32]
) -> None:
    rows: dict[str, list[list[float]]] = {}
    for draw, (fit, test) in enumerate(fits):
        for use in (False, True):
            began = time.perf_counter()
            learned = learn_choice(
                fit.evidence,
                fit.vectors,
                fit.gold,
                fit.text_sha,
                names=fit.evidence.labels,
                prototypes=prototypes,
                use_student=use,
                seed=draw,
            )
            seconds = time.perf_counter() - began
            ways = {"model": learned} if not use else _ways(learned)
            for way, each in ways.items():
                rows.setdefault(way, []).append([*_measured(each, test), seconds])
    for way, found in rows.items():
        mean = np.mean(found, axis=0)
        joined = f" ({len(found)} of {len(fits)} draws)" if len(found) < len(fits) else ""
        print(
            f"| {name} | {n} | {way}{joined} | {mean[0]:.3f} | {mean[1]:.3f} | {mean[2]:.3f} "
            f"| {mean[3]:.3f} | {mean[4]:.2f} | {mean[5]:.1f} |",
            flush=True,
        )


def _ways(learned: LearnedChoice) -> dict[str, LearnedChoice]:
    ways = {"what was learned": learned}
    if learned.student is not None:
        ways["model and student"] = replace(learned, doubt=None)
    return ways


def _measured(learned: LearnedChoice, test: Part) -> list[float]:
    applied = learned.apply(test.evidence, test.vectors, test.text_sha)
    scores = scores_of(applied.answer, applied.confidence, test.gold)
    covered = coverage_at(
        applied.confidence, applied.answer == test.gold, np.ones(len(test.gold)), COVERED
    )
    values = [scores["accuracy"], scores["ece"], scores["auroc"], covered, applied.asked.mean()]
    return [float("nan") if value is None else float(value) for value in values]


if __name__ == "__main__":
    sys.exit(main())
