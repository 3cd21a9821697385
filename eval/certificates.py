"""Whether certificates hold: `python -m eval.certificates [SETS]`.

LLMLABEL_DATA names the folder of data sets (`text/<set>/{train,test}.jsonl`). For each set a
student, a calibrator and a cascade are learned from labels drawn from the training file. Then
gold is drawn at random, again and again, from documents they never saw; each time a threshold is
certified with the functions that `llmlabel certify` uses, and the promise is checked on the
documents that were not drawn. Two populations: the test file (`test`), and the test file with
what is left of the training file (`all`). `drawn back` is the same check with gold drawn with
replacement and the promise checked on the whole population: exactly what was proved. Ends with
exit code 1 when a promise is broken more often than it may be.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.labeled_sets import SETS, LabeledSet, Part
from eval.splits import Population, Split, Tally, on_the_rest, on_the_whole
from llmlabel.bootstrap import build
from llmlabel.cli.progress import Bar
from llmlabel.domain.promise import Promise
from llmlabel.learning.choice import learn_choice
from llmlabel.learning.training_report import confidences
from llmlabel.settings import Settings

PROMISES = (
    Promise(kind="delivered", error=0.05, probability=0.95),
    Promise(kind="accepted", error=0.10, probability=0.90),
)
HEADS = (
    "set",
    "promise",
    "population",
    "documents",
    "accuracy",
    "feasible",
    "broken",
    "limit",
    "passed",
    "coverage",
    "risk",
    "broken, drawn back",
)


@dataclass(frozen=True)
class Row:
    """One set, promise and population; `again` is with gold drawn with replacement."""

    name: str
    promise: Promise
    population: str
    documents: int
    accuracy: float
    rest: Tally
    again: Tally

    @property
    def passed(self) -> bool:
        return self.rest.passed


def main(words: Sequence[str] | None = None) -> int:
    """Print one table; exit code 1 when a promise is broken too often."""
    parser = argparse.ArgumentParser(prog="python -m eval.certificates", description=__doc__)
    parser.add_argument("sets", nargs="*", help=f"of {', '.join(SETS)} (default: all)")
    parser.add_argument("--splits", type=int, default=200, help="draws of gold (default 200)")
    parser.add_argument("--certify", type=int, default=300, help="gold labels of each draw")
    parser.add_argument("--fit", type=int, default=500, help="labels that are learned from")
    parser.add_argument("--fits", type=int, default=4, help="draws of these, sharing the splits")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("build/certificates.json"))
    given = parser.parse_args(words)
    folder = os.environ.get("LLMLABEL_DATA")
    if folder is None:
        parser.error("set LLMLABEL_DATA to the folder of data sets")
    if unknown := set(given.sets) - set(SETS):
        parser.error(f"no such set: {', '.join(sorted(unknown))}")
    if not 1 <= given.fits <= given.splits:
        parser.error("--fits must be from 1 to --splits")
    rows = asyncio.run(_all(given, Path(folder)))
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(_record(given, rows), indent=2) + "\n")
    print(f"\nNumbers: {given.out}")
    return 0 if all(row.passed for row in rows) else 1


async def _all(given: argparse.Namespace, folder: Path) -> list[Row]:
    print(f"| {' | '.join(HEADS)} |\n|{'---|' * len(HEADS)}", flush=True)
    app = build(Settings())
    rows = []
    try:
        for name in given.sets or SETS:
            found = LabeledSet.open(app, folder, name)
            train, test = await found.part("train"), await found.part("test")
            prototypes = found.prototypes()
            for promise in PROMISES:
                for row in measured(name, train, test, prototypes, promise, given):
                    print(_line(row), flush=True)
                    rows.append(row)
    finally:
        await app.close()
    return rows


def measured(
    name: str,
    train: Part,
    test: Part,
    prototypes: NDArray[np.float32],
    promise: Promise,
    given: argparse.Namespace,
) -> list[Row]:
    """One row for each population, over all fits and splits."""
    splits: dict[tuple[str, str], list[Split]] = {}
    sizes: dict[str, list[tuple[int, float]]] = {}
    shares = np.array_split(np.arange(given.splits), given.fits)
    with Bar(f"{name} {promise}", 4 * given.splits) as bar:
        for fit, share in enumerate(shares):
            rows = np.random.default_rng(given.seed + fit).permutation(len(train))
            populations = learned_from(
                train.rows(rows[: given.fit]),
                {"test": (test,), "all": (test, train.rows(rows[given.fit :]))},
                prototypes,
                promise,
                given.seed + fit,
            )
            for where, population in populations.items():
                sizes.setdefault(where, []).append(
                    (len(population), 1 - float(population.loss.mean()))
                )
                for way, drawn in (("rest", on_the_rest), ("again", on_the_whole)):
                    random = np.random.default_rng([given.seed, fit])
                    for _ in share:
                        splits.setdefault((where, way), []).append(
                            drawn(population, promise, given.certify, random)
                        )
                        bar.advance(1)
    return [
        Row(
            name,
            promise,
            where,
            each[0][0],
            float(np.mean([accuracy for _, accuracy in each])),
            Tally.of(splits[where, "rest"], promise),
            Tally.of(splits[where, "again"], promise),
        )
        for where, each in sizes.items()
    ]


def learned_from(
    fit: Part,
    populations: dict[str, tuple[Part, ...]],
    prototypes: NDArray[np.float32],
    promise: Promise,
    seed: int,
) -> dict[str, Population]:
    """Learn from one part, and answer the documents of the others."""
    learned = learn_choice(
        fit.evidence,
        fit.vectors,
        fit.gold,
        fit.text_sha,
        names=fit.evidence.labels,
        prototypes=prototypes,
        seed=seed,
        promise=promise,
    )
    assert learned.crossed is not None
    # As a training stores them and a certification reads them.
    stored = confidences(learned.crossed.confidence)
    reference = np.array([np.nan if each is None else each for each in stored], dtype=np.float64)
    found = {}
    for where, parts in populations.items():
        answers = [learned.apply(part.evidence, part.vectors, part.text_sha) for part in parts]
        found[where] = Population(
            np.concatenate([each.confidence for each in answers]),
            np.concatenate(
                [
                    (each.answer != part.gold).astype(np.float64)
                    for each, part in zip(answers, parts, strict=True)
                ]
            ),
            reference,
        )
    return found


def _line(row: Row) -> str:
    cells = (
        row.name,
        str(row.promise),
        row.population,
        str(row.documents),
        f"{row.accuracy:.3f}",
        f"{row.rest.feasible:.2f}",
        f"{row.rest.broken:.3f}",
        f"{row.rest.limit:.3f}",
        "yes" if row.passed else "no",
        f"{row.rest.coverage:.3f}",
        f"{row.rest.risk:.4f}",
        f"{row.again.broken:.3f}",
    )
    return f"| {' | '.join(cells)} |"


def _record(given: argparse.Namespace, rows: Sequence[Row]) -> dict[str, Any]:
    asked = ("splits", "certify", "fit", "fits", "seed")
    return {
        "created_at": datetime.now(UTC).isoformat(),
        "options": {name: getattr(given, name) for name in asked},
        "rows": [
            {
                **asdict(row),
                "promise": str(row.promise),
                "passed": row.passed,
            }
            for row in rows
        ],
    }


if __name__ == "__main__":
    sys.exit(main())
