"""How to weigh similarity against the model where labels are shortlisted.

`python -m eval.shortlist_weights TRAIN.jsonl --limit 100` labels texts with every label of the
file on offer and prints accuracy and AUROC of the confidence for several weights of the two
experts (docs/decisions/0003-shortlist.md). Run it on training texts, never on those that judge.
"""

from __future__ import annotations

import argparse
import asyncio

import numpy as np
import numpy.typing as npt

from llmlabel.bootstrap import build
from llmlabel.confidence.reliability import auroc
from llmlabel.domain.answer import ChoiceAnswer
from llmlabel.errors import InvalidInput
from llmlabel.evaluation.cases import load
from llmlabel.evaluation.task import guideline_for
from llmlabel.labelers.shortlist import Shortlist
from llmlabel.llm.protocol import Scores
from llmlabel.settings import Settings

WEIGHTS = (0.0, 0.2, 0.3, 0.5, 1.0)
SCALES = (0.03, 0.05, 0.07, 0.1, 0.2)
FloatArray = npt.NDArray[np.float64]


async def experts(file: str, limit: int) -> tuple[FloatArray, FloatArray, npt.NDArray[np.int64]]:
    """Log-probabilities, similarities (texts, candidates) and the right place, -1 if none."""
    app = build(Settings())
    data = load(file, [])
    task = guideline_for(data, None, labels_from_data=True)
    cases = [case for case in data.cases[:limit] if case.document is not None]
    texts = [case.document.text for case in cases if case.document is not None]
    prompt = app.prompts.get("choice@1.0.0")
    try:
        likeness = await Shortlist(app.embedder).similarities(texts, task)
        best = np.argsort(-likeness, axis=1)[:, : task.policy.shortlist]
        offered = [[task.label_names[i] for i in row] for row in best]
        prompts = [prompt.render(task, text) for text in texts]
        scored = await app.chat_model(app.settings.llm).score(prompts, offered)
    finally:
        await app.close()
    failures = [each for each in scored if not isinstance(each, Scores)]
    if failures:
        raise InvalidInput(f"{len(failures)} texts were not scored: {failures[0]}")
    logs = np.log([np.maximum(s.probabilities, 1e-12) for s in scored if isinstance(s, Scores)])
    gold = [case.gold.label if isinstance(case.gold, ChoiceAnswer) else "" for case in cases]
    right = [names.index(g) if g in names else -1 for names, g in zip(offered, gold, strict=True)]
    near = np.take_along_axis(likeness.astype(np.float64), best, axis=1)
    return logs, near, np.array(right)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file")
    parser.add_argument("--limit", type=int, default=100)
    asked = parser.parse_args()
    logs, near, right = asyncio.run(experts(asked.file, asked.limit))
    print(f"{len(right)} texts, right label on the shortlist of {np.mean(right >= 0):.3f}")
    print("| model weight | similarity scale | accuracy | AUROC |\n|---|---|---|---|")
    mixes = [(1.0, np.inf), *((w, s) for w in WEIGHTS for s in SCALES)]
    for weight, scale in mixes:
        logits = weight * logs + near / scale
        shares = np.exp(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))
        correct = shares.argmax(axis=1) == right
        value = auroc(shares.max(axis=1), correct)
        print(f"| {weight} | {scale} | {correct.mean():.3f} | {value:.3f} |")


if __name__ == "__main__":
    main()
