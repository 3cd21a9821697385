"""Agreement and consensus on labels that many people gave, against published or known values.

`python -m eval.agreement` reads the crowd sets below LLMLABEL_DATA (`text/crowd_*`). The exit code
is 1 when a value is off its reference.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from llmlabel.learning.crowd import crowd_agreement, read_crowd, share_right
from llmlabel.review.agreement import Distance
from llmlabel.review.consensus import METHODS, Method, Said, consensus


@dataclass(frozen=True)
class CrowdSet:
    """A set, and what it must come to: its alpha, and the least accuracy of a consensus."""

    name: str
    files: tuple[str, ...]
    alpha: float | None
    least: dict[Method, float] = field(default_factory=dict)
    scale: Distance = "nominal"


SETS = (
    CrowdSet(
        "snow_rte",
        ("test",),
        0.2463,
        {"majority": 0.9165, "dawid_skene": 0.9425, "mace": 0.93},
    ),
    CrowdSet(
        "sentence_polarity",
        ("test", "train"),
        0.4318,
        {"majority": 0.8915, "dawid_skene": 0.9145},
    ),
    CrowdSet("dynasent_r2", ("test",), 0.6811),
    CrowdSet("snow_valence", ("test",), None, scale="interval"),
)


@dataclass(frozen=True)
class Measured:
    """What a set came to."""

    set: CrowdSet
    answers: int
    workers: int
    alpha: float | None
    right: dict[Method, float]
    seconds: float

    @property
    def off(self) -> list[str]:
        """What is off its reference, in words."""
        found = []
        known = self.set.alpha
        if known is not None and (self.alpha is None or abs(self.alpha - known) > 5e-5):
            found.append(f"alpha {self.alpha} is not {known}")
        for method, least in self.set.least.items():
            if self.right.get(method, 0.0) < least:
                found.append(f"{method} {self.right.get(method)} is below {least}")
        return found


def measure(folder: Path, asked: CrowdSet) -> Measured:
    """Read a set and find its agreement and, where right labels are known, its consensus."""
    began = time.perf_counter()
    said: list[Said] = []
    gold: dict[str, str] = {}
    for part in asked.files:
        file = read_crowd(folder / f"text/crowd_{asked.name}/{part}.jsonl")
        said += file.said
        gold |= file.gold
    found = crowd_agreement(said, asked.scale)
    right: dict[Method, float] = {}
    for method in METHODS if asked.scale == "nominal" and gold else ():
        share = share_right(consensus(said, method).agreed, gold)
        assert share is not None, "there is gold"
        right[method] = share
    seconds = time.perf_counter() - began
    return Measured(asked, found.answers, found.workers, found.krippendorff, right, seconds)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="*", default=[each.name for each in SETS])
    asked = parser.parse_args().sets
    if "LLMLABEL_DATA" not in os.environ:
        sys.exit("set LLMLABEL_DATA to the folder of data sets")
    print("| set | answers | people | alpha | majority | Dawid-Skene | MACE | seconds |")
    print("|---|---|---|---|---|---|---|---|")
    off = []
    for each in SETS:
        if each.name not in asked:
            continue
        found = measure(Path(os.environ["LLMLABEL_DATA"]), each)
        off += [f"{each.name}: {words}" for words in found.off]
        shares = (f"{found.right[m]:.3f}" if m in found.right else "–" for m in METHODS)
        print(
            f"| {each.name} ({' + '.join(each.files)}) | {found.answers} | {found.workers} | "
            f"{found.alpha:.4f} | {' | '.join(shares)} | {found.seconds:.1f} |",
            flush=True,
        )
    for words in off:
        print(words, file=sys.stderr)
    sys.exit(bool(off))


if __name__ == "__main__":
    main()
