"""How well verified labels that are wrong are found among those that are right.

`python -m eval.label_errors text/banking77/train.jsonl …` (files below LLMLABEL_DATA, or paths)
gives a tenth of the labels of each file another one at random and prints how well the quality
score tells these from the others (AUROC), and precision and recall of what is called likely.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import numpy as np

from llmlabel.confidence.reliability import auroc
from llmlabel.domain.answer import ChoiceAnswer
from llmlabel.embedding import SentenceEmbedder
from llmlabel.evaluation.cases import load
from llmlabel.evaluation.task import guideline_for
from llmlabel.labelers.shortlist import label_sentences
from llmlabel.learning.label_errors import choice_quality
from llmlabel.models import ModelStore
from llmlabel.settings import Settings

SETS = ("banking77", "clinc150", "airline_tweets", "sst2")


def measure(file: str, embedder: SentenceEmbedder, share: float, seed: int) -> str:
    """One line of the table."""
    data = load(file, [])
    task = guideline_for(data, None, labels_from_data=True)
    names = task.label_names
    cases = [
        (case.document, names.index(case.gold.label))
        for case in data.cases
        if case.document is not None and isinstance(case.gold, ChoiceAnswer)
    ]
    gold = np.array([label for _, label in cases])
    generator = np.random.default_rng(seed)
    wrong = np.zeros(len(gold), dtype=bool)
    wrong[generator.choice(len(gold), round(share * len(gold)), replace=False)] = True
    shift = generator.integers(1, len(names), len(gold))
    labels = np.where(wrong, (gold + shift) % len(names), gold)
    vectors = embedder.embed([document.text for document, _ in cases])
    prototypes = embedder.embed(label_sentences(task))
    began = time.perf_counter()
    judged = choice_quality(
        vectors, labels, names, [document.text_sha256 for document, _ in cases], prototypes
    )
    seconds = time.perf_counter() - began
    mended = (judged.suggested == gold)[wrong].mean()
    precision = wrong[judged.likely].mean() if judged.likely.any() else float("nan")
    return (
        f"| {data.name} | {len(gold)} | {auroc(judged.score, ~wrong):.3f} | {precision:.2f} | "
        f"{judged.likely[wrong].mean():.2f} | {mended:.2f} | {seconds:.1f} |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*")
    parser.add_argument("--share", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    root = Path(os.environ.get("LLMLABEL_DATA", "."))
    settings = Settings()
    models = ModelStore(settings.models_folder, settings.model_sources)
    embedder = SentenceEmbedder(models.path("minilm-l6-int8"), settings.threads)
    print("| set | labels | AUROC | precision | recall | suggestion right | seconds |")
    print("|---|---|---|---|---|---|---|")
    for file in asked.files or [str(root / f"text/{name}/train.jsonl") for name in SETS]:
        path = file if Path(file).exists() else str(root / file)
        print(measure(path, embedder, asked.share, asked.seed), flush=True)


if __name__ == "__main__":
    main()
