"""A spaCy pipeline that keeps the evidence: loaded when first used, run in batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from llmlabel.errors import MissingModel, Unsupported
from llmlabel.labelers.spacy_transitions import (
    Entities,
    Trace,
    TransitionTable,
    recognise,
    softmax,
    traced,
)

FloatArray = npt.NDArray[np.float32]


class SpacyPipeline:
    """One spaCy pipeline with its components taken one by one.

    Not safe for several threads at once.

    Args:
        folder: The pipeline's folder, or the name of an installed pipeline package.
        batch: Texts per batch.
    """

    def __init__(self, folder: Path | str, batch: int) -> None:
        self.folder = folder
        self.batch = batch
        self._loaded: Any = None

    @property
    def loaded(self) -> bool:
        """Whether the pipeline is in memory."""
        return self._loaded is not None

    @property
    def nlp(self) -> Any:
        """The spaCy `Language`, loaded on first use.

        Raises:
            MissingModel: spaCy cannot load it.
        """
        if self._loaded is None:
            import spacy  # noqa: PLC0415

            try:
                nlp = spacy.load(self.folder, exclude=["lemmatizer"])
            except (OSError, ValueError, KeyError) as exc:
                raise MissingModel(
                    f"spaCy cannot load a pipeline from {self.folder} ({exc}); get the default "
                    "one with `llmlabel models pull en_core_web_sm`, or name another with "
                    "LLMLABEL_SPACY_MODEL."
                ) from exc
            self._loaded = nlp
        return self._loaded

    @property
    def name(self) -> str:
        """Name and version, as they go into the provenance."""
        meta = self.nlp.meta
        return f"{meta['lang']}_{meta['name']}-{meta['version']}"

    def entity_labels(self) -> tuple[str, ...]:
        """The labels of the entity recogniser."""
        return tuple(self._component("ner").labels)

    def entities(self, texts: Sequence[str], labels: dict[str, str]) -> Iterator[Entities]:
        """The entities of each text under the guideline labels that spaCy's map to."""
        ner = self._component("ner")
        if ner.cfg["beam_width"] != 1:
            raise Unsupported("An entity recogniser with beam search gives no evidence per step.")
        moves = [ner.moves.get_class_name(i) for i in range(ner.moves.n_moves)]
        table = TransitionTable(moves, labels)
        # Texts of like length go together: a batch takes as many steps as its longest text.
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        found: dict[int, Entities] = {}
        unused = [name for name in self.nlp.pipe_names if name in ("ner", "tagger", *_AFTER)]
        docs = self.nlp.pipe((texts[i] for i in order), batch_size=self.batch, disable=unused)
        for chunk in _chunks(zip(order, docs, strict=True), self.batch):
            said = recognise(ner, [doc for _, doc in chunk], table)
            found.update(zip((i for i, _ in chunk), said, strict=True))
        return (found[i] for i in range(len(texts)))

    def persons(self, texts: Sequence[str]) -> Iterator[list[tuple[int, int]]]:
        """Offsets of the names of persons in each text, in code points, end exclusive."""
        self._component("ner")
        unused = [name for name in self.nlp.pipe_names if name not in ("ner", "tok2vec")]
        for doc in self.nlp.pipe(texts, batch_size=self.batch, disable=unused):
            yield [
                (entity.start_char, entity.end_char)
                for entity in doc.ents
                if entity.label_ in ("PERSON", "PER")
            ]

    def traced_entities(
        self, texts: Sequence[str], labels: dict[str, str]
    ) -> Iterator[tuple[Any, FloatArray, Entities, Trace]]:
        """As `entities`, with the spaCy doc, the tag probabilities and the recogniser's trace."""
        ner = self._component("ner")
        if ner.cfg["beam_width"] != 1:
            raise Unsupported("An entity recogniser with beam search gives no evidence per step.")
        moves = [ner.moves.get_class_name(i) for i in range(ner.moves.n_moves)]
        table = TransitionTable(moves, labels)
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        found: dict[int, tuple[Any, FloatArray, Entities, Trace]] = {}
        tagged = self.tagged([texts[i] for i in order])
        for chunk in _chunks(zip(order, tagged, strict=True), self.batch):
            said = traced(ner, [doc for _, (doc, _) in chunk], table)
            for (i, (doc, tags)), (entities, trace) in zip(chunk, said, strict=True):
                found[i] = (doc, tags, entities, trace)
        return (found[i] for i in range(len(texts)))

    def tagged(self, texts: Sequence[str]) -> Iterator[tuple[Any, FloatArray]]:
        """Each text as a spaCy doc with tags, and the probability of every tag of every token.

        The array has the shape (tokens, tags), its columns in the order of `tags`.
        """
        tagger = self._component("tagger")
        unused = [name for name in self.nlp.pipe_names if name == "ner"]
        docs = self.nlp.pipe(texts, batch_size=self.batch, disable=unused)
        for chunk in _chunks(docs, self.batch):
            for doc, scores in zip(chunk, tagger.model.predict(chunk), strict=True):
                yield doc, _normalised(np.asarray(scores, np.float32))

    @property
    def tags(self) -> tuple[str, ...]:
        """The tagger's labels."""
        return tuple(self._component("tagger").labels)

    def coarse(self) -> dict[str, str]:
        """The part of speech that each tag has unless the words around it say otherwise."""
        coarse: dict[str, str] = {}
        if "attribute_ruler" in self.nlp.pipe_names:
            for rule in self.nlp.get_pipe("attribute_ruler").patterns:
                for pattern in rule["patterns"]:
                    if len(pattern) == 1 and set(pattern[0]) == {"TAG"} and "POS" in rule["attrs"]:
                        coarse.setdefault(pattern[0]["TAG"], rule["attrs"]["POS"])
        return coarse

    def _component(self, name: str) -> Any:
        if name not in self.nlp.pipe_names:
            raise Unsupported(
                f"The spaCy pipeline {self.name} has no `{name}`; name one that has with "
                "LLMLABEL_SPACY_MODEL.",
                field="labelers",
            )
        return self.nlp.get_pipe(name)


def _normalised(scores: FloatArray) -> FloatArray:
    """Probabilities; a tagger made for speed alone gives logits."""
    if len(scores) == 0 or np.allclose(scores.sum(axis=1), 1.0, atol=1e-3):
        return scores
    return softmax(scores)


_AFTER = ("attribute_ruler", "morphologizer")
"""Components that only write parts of speech."""


def _chunks(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    chunk: list[Any] = []
    for item in items:
        chunk.append(item)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
