"""How many names of persons the redaction finds, on sets whose persons are known.

    python -m eval.redaction uner_ewt wikigold --data FOLDER

A person counts as hidden when every letter of the name is, as grazed when a part is left. The
last figure is the share of what was masked as a person that is none: what it costs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections import Counter
from pathlib import Path

from llmlabel.labelers.spacy_persons import SpacyPersons
from llmlabel.models import ModelStore
from llmlabel.privacy import Redactor
from llmlabel.settings import Settings

Person = tuple[int, int]


def read(file: Path) -> list[tuple[str, list[Person]]]:
    """Each text of a file with the offsets of its persons."""
    made = []
    for line in file.read_text("utf-8").splitlines():
        item = json.loads(line)
        persons = [
            (e["start"], e["end"]) for e in item["entities"] if e["label"] in ("PER", "PERSON")
        ]
        made.append((item["text"], persons))
    return made


async def count(items: list[tuple[str, list[Person]]], persons: SpacyPersons) -> Counter[str]:
    """Persons that are hidden, grazed or seen, and what was masked as one without being one."""
    found: Counter[str] = Counter()
    shown = await Redactor(persons).shown([text for text, _ in items])
    for each, (text, people) in zip(shown, items, strict=True):
        hidden = {at for swap in each.swaps for at in range(swap.start, swap.end)}
        for start, end in people:
            letters = [at for at in range(start, end) if text[at].isalnum()]
            n = sum(at in hidden for at in letters)
            found["hidden" if n == len(letters) else "grazed" if n else "seen"] += 1
        masked = [swap for swap in each.swaps if swap.kind == "PERSON"]
        found["masked"] += len(masked)
        found["needless"] += sum(
            not any(start < swap.end and swap.start < end for start, end in people)
            for swap in masked
        )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="+")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--part", default="test.jsonl")
    given = parser.parse_args()
    settings = Settings()
    folder = ModelStore(settings.models_folder).path(settings.spacy_model)
    persons = SpacyPersons(folder)
    for name in given.sets:
        items = read(given.data / name / given.part)
        n = asyncio.run(count(items, persons))
        people = n["hidden"] + n["grazed"] + n["seen"]
        print(
            f"{name}: {len(items)} texts, {people} persons: hidden {n['hidden'] / people:.3f}, "
            f"grazed {n['grazed'] / people:.3f}, seen {n['seen'] / people:.3f}; of "
            f"{n['masked']} masked {n['needless'] / n['masked']:.3f} are no person"
        )


if __name__ == "__main__":
    main()
