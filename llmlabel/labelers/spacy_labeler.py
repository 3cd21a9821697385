"""The labeler `spacy`: entities and parts of speech, off the event loop, in batches."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from llmlabel.domain.document import Document
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.prediction import Prediction, Source
from llmlabel.errors import Unsupported
from llmlabel.labelers.pieces import pieces
from llmlabel.labelers.spacy_features import (
    Featured,
    FloatArray,
    joined,
    span_features,
    tag_features,
)
from llmlabel.labelers.spacy_pipeline import SpacyPipeline
from llmlabel.labelers.spacy_spans import label_map, spans_prediction, undecided
from llmlabel.labelers.spacy_tokens import tokens_prediction

_T = TypeVar("_T")
_U = TypeVar("_U")
_Part = tuple[int, Any, FloatArray]
"""A piece of a text: its offset, its spaCy doc and the probabilities of its tags."""


class SpacyLabeler:
    """Labels spans and tokens with a spaCy pipeline, which is loaded on first use.

    Args:
        folder: The pipeline's folder, or the name of an installed pipeline package.
        batch: Texts per batch.
    """

    name = "spacy"

    def __init__(self, folder: Path | str, *, batch: int = 64) -> None:
        self._pipeline = SpacyPipeline(folder, batch)
        # One thread: a pipeline is not safe for several, and the event loop stays free.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spacy")

    @property
    def loaded(self) -> bool:
        """Whether the pipeline is in memory."""
        return self._pipeline.loaded

    async def predict(
        self,
        documents: Sequence[Document],
        guideline: Guideline,
        earlier: Sequence[Sequence[Prediction]],
    ) -> Sequence[Prediction]:
        """One prediction per document; see `Labeler.predict`.

        Raises:
            MissingModel: spaCy cannot load the pipeline.
            InvalidGuideline: No label says which of spaCy's it stands for.
            Unsupported: The guideline labels neither spans nor tokens.
        """
        work = {"spans": self._spans, "tokens": self._tokens}.get(guideline.kind)
        if work is None:
            raise _not_of(guideline)
        made, seconds = await self._run(work, documents, guideline)
        return [_timed(each, seconds) for each in made]

    async def features(self, documents: Sequence[Document], guideline: Guideline) -> list[Featured]:
        """One prediction per document, with what a head trained on verified labels reads.

        Raises:
            MissingModel, InvalidGuideline, Unsupported: As of `predict`.
        """
        work = {"spans": self._traced, "tokens": self._featured}.get(guideline.kind)
        if work is None:
            raise _not_of(guideline)
        made, seconds = await self._run(work, documents, guideline)
        return [replace(each, prediction=_timed(each.prediction, seconds)) for each in made]

    async def _run(
        self,
        work: Callable[[Sequence[str], Guideline], list[_T]],
        documents: Sequence[Document],
        guideline: Guideline,
    ) -> tuple[list[_T], float]:
        """The work done off the event loop, and the seconds each document took."""
        texts = [document.text for document in documents]
        loop = asyncio.get_running_loop()
        started = time.perf_counter()
        made = await loop.run_in_executor(self._thread, work, texts, guideline)
        return made, (time.perf_counter() - started) / max(len(made), 1)

    def _spans(self, texts: Sequence[str], guideline: Guideline) -> list[Prediction]:
        mapping, detail = self._mapping(guideline)
        cut = [list(pieces(text)) for text in texts]
        found = self._pipeline.entities([piece for each in cut for _, piece in each], mapping)
        source = self._source()
        return [
            spans_prediction(text, [(at, next(found)) for at, _ in each], guideline, source, detail)
            for text, each in zip(texts, cut, strict=True)
        ]

    def _mapping(self, guideline: Guideline) -> tuple[dict[str, str], str]:
        """The guideline's label of each of spaCy's, and what a reviewer should know of it."""
        offered = self._pipeline.entity_labels()
        mapping = label_map(guideline, offered)
        open_labels = undecided(guideline, offered)
        if not open_labels:
            return mapping, ""
        return mapping, f"spaCy labels neither mapped nor ignored: {', '.join(open_labels)}"

    def _traced(self, texts: Sequence[str], guideline: Guideline) -> list[Featured]:
        mapping, detail = self._mapping(guideline)
        cut = [list(pieces(text)) for text in texts]
        found = list(
            self._pipeline.traced_entities([piece for each in cut for _, piece in each], mapping)
        )
        features = iter(span_features(found))
        entities = iter(found)
        source = self._source()
        made = []
        for text, each in zip(texts, cut, strict=True):
            parts = [(at, next(entities)[2]) for at, _ in each]
            tokens = joined([(at, next(features)) for at, _ in each])
            made.append(
                Featured(text, spans_prediction(text, parts, guideline, source, detail), tokens)
            )
        return made

    def _tokens(self, texts: Sequence[str], guideline: Guideline) -> list[Prediction]:
        read = self._reader(guideline)
        return [read(parts) for parts in self._tagged_parts(texts)]

    def _featured(self, texts: Sequence[str], guideline: Guideline) -> list[Featured]:
        read = self._reader(guideline)
        tagged = list(self._tagged_parts(texts))
        features = iter(tag_features([part for parts in tagged for part in parts]))
        return [
            Featured(text, read(parts), joined([(at, next(features)) for at, *_ in parts]))
            for text, parts in zip(texts, tagged, strict=True)
        ]

    def _tagged_parts(self, texts: Sequence[str]) -> Iterator[list[_Part]]:
        """The pieces of each text."""
        cut = [list(pieces(text)) for text in texts]
        tagged = self._pipeline.tagged([piece for each in cut for _, piece in each])
        return ([(at, *said) for (at, _), said in _next(each, tagged)] for each in cut)

    def _reader(self, guideline: Guideline) -> Callable[[Sequence[_Part]], Prediction]:
        """Makes the prediction of a text from its pieces; what all texts share is looked up once.

        Raises:
            InvalidGuideline: As of `predict`.
        """
        tags, coarse, source = self._pipeline.tags, self._pipeline.coarse(), self._source()
        label_map(guideline, sorted(set(coarse.values())))
        return lambda parts: tokens_prediction(parts, tags, coarse, guideline, source)

    def _source(self) -> Source:
        return Source(labeler=self.name, model=self._pipeline.name)


def _not_of(guideline: Guideline) -> Unsupported:
    return Unsupported(
        f"{guideline.ref} is of kind {guideline.kind}; spaCy labels spans and tokens.",
        field="labelers",
    )


def _timed(prediction: Prediction, seconds: float) -> Prediction:
    return prediction.model_copy(
        update={"source": prediction.source.model_copy(update={"seconds": seconds})}
    )


def _next(items: Sequence[_T], stream: Iterator[_U]) -> list[tuple[_T, _U]]:
    return list(zip(items, islice(stream, len(items)), strict=True))
