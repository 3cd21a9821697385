"""The labeler `spacy`: entities and parts of speech, off the event loop, in batches."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TypeVar

from llmlabel.domain.document import Document
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.prediction import Prediction, Source
from llmlabel.errors import Unsupported
from llmlabel.labelers.pieces import pieces
from llmlabel.labelers.spacy_pipeline import SpacyPipeline
from llmlabel.labelers.spacy_spans import label_map, spans_prediction, undecided
from llmlabel.labelers.spacy_tokens import tokens_prediction

_T = TypeVar("_T")
_U = TypeVar("_U")


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
        texts = [document.text for document in documents]
        work = {"spans": self._spans, "tokens": self._tokens}.get(guideline.kind)
        if work is None:
            raise Unsupported(
                f"{guideline.ref} is of kind {guideline.kind}; spaCy labels spans and tokens.",
                field="labelers",
            )
        loop = asyncio.get_running_loop()
        started = time.perf_counter()
        made = await loop.run_in_executor(self._thread, work, texts, guideline)
        seconds = (time.perf_counter() - started) / max(len(made), 1)
        return [
            each.model_copy(update={"source": each.source.model_copy(update={"seconds": seconds})})
            for each in made
        ]

    def _spans(self, texts: Sequence[str], guideline: Guideline) -> list[Prediction]:
        offered = self._pipeline.entity_labels()
        mapping = label_map(guideline, offered)
        open_labels = undecided(guideline, offered)
        detail = (
            f"spaCy labels neither mapped nor ignored: {', '.join(open_labels)}"
            if open_labels
            else ""
        )
        cut = [list(pieces(text)) for text in texts]
        found = self._pipeline.entities([piece for each in cut for _, piece in each], mapping)
        source = self._source()
        return [
            spans_prediction(text, [(at, next(found)) for at, _ in each], guideline, source, detail)
            for text, each in zip(texts, cut, strict=True)
        ]

    def _tokens(self, texts: Sequence[str], guideline: Guideline) -> list[Prediction]:
        tags, coarse = self._pipeline.tags, self._pipeline.coarse()
        label_map(guideline, sorted(set(coarse.values())))
        cut = [list(pieces(text)) for text in texts]
        tagged = self._pipeline.tagged([piece for each in cut for _, piece in each])
        source = self._source()
        return [
            tokens_prediction(
                [(at, *said) for (at, _), said in _next(each, tagged)],
                tags,
                coarse,
                guideline,
                source,
            )
            for each in cut
        ]

    def _source(self) -> Source:
        return Source(labeler=self.name, model=self._pipeline.name)


def _next(items: Sequence[_T], stream: Iterator[_U]) -> list[tuple[_T, _U]]:
    return list(zip(items, islice(stream, len(items)), strict=True))
