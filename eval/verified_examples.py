"""Whether verified labels shown to the language model make it better, and what they cost.

`python -m eval.verified_examples TRAIN.jsonl --pool 500 --limit 120 -k 0 4 8` labels texts of the
file with every label of it on offer, shows the k nearest of other texts as verified examples, and
prints accuracy, AUROC of the confidence and documents per second for each k. Run it on training
texts, never on those that judge. The embedding finds the same examples without a model: the row
`nearest` says how often the nearest one alone has the right label.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Sequence

import numpy as np

from llmlabel.confidence.reliability import auroc
from llmlabel.domain.answer import ChoiceAnswer
from llmlabel.domain.guideline import Guideline
from llmlabel.embedding import SentenceEmbedder
from llmlabel.errors import InvalidInput
from llmlabel.evaluation.cases import Case, load
from llmlabel.evaluation.task import guideline_for
from llmlabel.labelers.example_pool import ExamplePool, NearestExamples
from llmlabel.labelers.llm_choice import LlmChoice
from llmlabel.labelers.shortlist import Shortlist
from llmlabel.llm.embedded import EmbeddedModel
from llmlabel.models import ModelStore
from llmlabel.prompts import PromptLibrary
from llmlabel.settings import Settings
from llmlabel.shipped import search_folders

WARM_UP = 8


def pool_of(cases: Sequence[Case], embedder: SentenceEmbedder) -> ExamplePool:
    """The cases as verified labels."""
    documents = [case.document for case in cases if case.document is not None]
    return ExamplePool(
        texts=tuple(document.text for document in documents),
        labels=tuple(_label(case) for case in cases),
        hashes=tuple(document.text_sha256 for document in documents),
        vectors=embedder.embed([document.text for document in documents]).astype(np.float16),
    )


def row(name: str, right: Sequence[bool], confidence: Sequence[float], speed: float) -> str:
    """One line of the table."""
    area = auroc(np.array(confidence), np.array(right)) if confidence else float("nan")
    return f"| {name} | {np.mean(right):.3f} | {area:.3f} | {speed:.2f} |"


async def measure(
    labeler: LlmChoice, task: Guideline, cases: Sequence[Case], k: int, tokens: int
) -> str:
    """Label the cases with k verified examples each."""
    policy = task.policy.model_copy(update={"verified_examples": k, "example_tokens": tokens})
    guideline = task.model_copy(update={"policy": policy})
    documents = [case.document for case in cases if case.document is not None]
    await labeler.predict(documents[:WARM_UP], guideline, [()] * WARM_UP)
    began = time.perf_counter()
    said = await labeler.predict(documents, guideline, [()] * len(documents))
    seconds = time.perf_counter() - began
    failed = [each.detail for each in said if each.answer is None]
    if failed:
        raise InvalidInput(f"{len(failed)} texts were not labeled: {failed[0]}")
    right = [
        isinstance(each.answer, ChoiceAnswer) and each.answer.label == _label(case)
        for each, case in zip(said, cases, strict=True)
    ]
    return row(str(k), right, [each.probability or 0.0 for each in said], len(said) / seconds)


def _label(case: Case) -> str:
    assert isinstance(case.gold, ChoiceAnswer)
    return case.gold.label


async def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file")
    parser.add_argument("--pool", type=int, default=500)
    parser.add_argument("--limit", type=int, default=120)
    parser.add_argument("--tokens", type=int, default=600)
    parser.add_argument("-k", type=int, nargs="+", default=[0, 4, 8])
    asked = parser.parse_args()
    settings = Settings()
    models = ModelStore(settings.models_folder, settings.model_sources)
    embedder = SentenceEmbedder(models.path("minilm-l6-int8"), settings.threads)
    model = EmbeddedModel(
        models.path(settings.llm) / "model.gguf",
        settings.home / "prepared",
        threads=settings.threads,
        batch=settings.llm_batch,
    )
    data = load(asked.file, [])
    task = guideline_for(data, None, labels_from_data=True)
    known, held = data.cases[: asked.pool], data.cases[asked.pool : asked.pool + asked.limit]
    nearest = NearestExamples(pool_of(known, embedder), embedder)
    shortlist = Shortlist(embedder) if len(task.labels) > task.policy.shortlist else None
    prompt = PromptLibrary(search_folders("prompts")).get("choice@1.0.0")
    labeler = LlmChoice(model, prompt, shortlist, nearest)
    print(f"{len(held)} texts, {len(known)} verified labels")
    print("| k | accuracy | AUROC | documents/s |\n|---|---|---|---|")
    documents = [case.document for case in held if case.document is not None]
    found = await nearest.find(documents, 1, 1_000_000)
    right = [each[0].label == _label(case) for each, case in zip(found, held, strict=True)]
    print(row("nearest", right, [], float("nan")))
    try:
        for k in asked.k:
            print(await measure(labeler, task, held, k, asked.tokens), flush=True)
    finally:
        await model.close()


if __name__ == "__main__":
    asyncio.run(main())
