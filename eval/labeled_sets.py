"""The choice sets that calibration and certificates are measured on, labeled once by the model.

Replies of the language model are cached in the default home, so that only the first run is slow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from llmlabel.bootstrap import Application
from llmlabel.cli.progress import Bar
from llmlabel.confidence.choice_evidence import ChoiceEvidence, choice_evidence
from llmlabel.domain.answer import ChoiceAnswer
from llmlabel.domain.guideline import Guideline
from llmlabel.evaluation.cases import Case, CaseFile, load
from llmlabel.evaluation.task import guideline_for
from llmlabel.guidelines import from_labels
from llmlabel.labelers.shortlist import label_sentences

SETS = {"sst2": "sentiment", "clinc150": None, "banking77": None, "airline_tweets": "sentiment"}
"""By name, the guideline that the set is labeled under; None: one made of its labels."""

BATCH = 64


@dataclass(frozen=True)
class Part:
    """Documents labeled by the language model, with what is known of them.

    Attributes:
        evidence: What the model says, n documents.
        vectors: Sentence embeddings, shape (n, dimensions).
        gold: The right label by index, shape (n,).
        text_sha: SHA-256 of the texts, shape (n,).
        texts: Shape (n,).
    """

    evidence: ChoiceEvidence
    vectors: NDArray[np.float32]
    gold: NDArray[np.intp]
    text_sha: list[str]
    texts: list[str]

    def __len__(self) -> int:
        return len(self.gold)

    def rows(self, index: NDArray[np.intp]) -> Part:
        """The documents of those rows, which may repeat."""
        chosen = index.tolist()
        return Part(
            self.evidence.rows(index),
            self.vectors[index],
            self.gold[index],
            [self.text_sha[i] for i in chosen],
            [self.texts[i] for i in chosen],
        )


@dataclass(frozen=True)
class LabeledSet:
    """The two files of one set, and how the model is asked about them."""

    name: str
    files: dict[str, CaseFile]
    union: Guideline
    app: Application

    @classmethod
    def open(cls, app: Application, folder: Path, name: str) -> LabeledSet:
        """Read `text/<name>/{train,test}.jsonl` below the folder of data sets."""
        files = {
            part: load(str(folder / "text" / name / f"{part}.jsonl"), [])
            for part in ("train", "test")
        }
        labels = sorted({label for file in files.values() for label in file.labels})
        return cls(name, files, from_labels(name, "choice", labels), app)

    def size(self, part: str) -> int:
        """Cases of the file."""
        return len(self.files[part].cases)

    def prototypes(self) -> NDArray[np.float32]:
        """Embeddings of the labels, shape (labels, dimensions)."""
        return self.app.embedder.embed(label_sentences(self.union))

    async def part(self, name: str, rows: NDArray[np.intp] | None = None) -> Part:
        """The file `train` or `test`, or some rows of it, labeled."""
        file = self.files[name]
        chosen = range(len(file.cases)) if rows is None else rows.tolist()
        return await self._label(name, file, [file.cases[row] for row in chosen])

    async def _label(self, part: str, file: CaseFile, cases: Sequence[Case]) -> Part:
        guideline = SETS[self.name]
        base = self.app.guidelines.get(guideline) if guideline else None
        task = guideline_for(file, base, labels_from_data=True)
        steps = self.app.base_steps(task)
        documents = [case.document for case in cases if case.document is not None]
        opinions = []
        with Bar(f"{self.name} {part}", len(documents)) as bar:
            for start in range(0, len(documents), BATCH):
                batch = documents[start : start + BATCH]
                opinions += await self.app.pipeline.predict(batch, task, steps)
                bar.advance(len(batch))
        labels = [case.gold.label for case in cases if isinstance(case.gold, ChoiceAnswer)]
        texts = [document.text for document in documents]
        return Part(
            choice_evidence(documents, self.union, opinions),
            self.app.embedder.embed(texts),
            np.array([self.union.label_names.index(label) for label in labels]),
            [document.text_sha256 for document in documents],
            texts,
        )
