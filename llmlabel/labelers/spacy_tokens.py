"""Parts of speech of spaCy as an answer under a guideline, with the tagger's own doubt."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from llmlabel.domain.answer import Span, TokensAnswer
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.prediction import Prediction, Source, Unit
from llmlabel.labelers.doubt import token_probability
from llmlabel.labelers.upos import part_of_speech

FloatArray = npt.NDArray[np.float32]

SHOWN = 0.02
"""Tags less likely than this are not kept as alternatives."""
FEWEST = 1e-6
DOUBTFUL = 0.7


def tokens_prediction(
    parts: Sequence[tuple[int, Any, FloatArray]],
    tags: Sequence[str],
    coarse: dict[str, str],
    guideline: Guideline,
    source: Source,
) -> Prediction:
    """Make the prediction of a text from its tagged pieces.

    Args:
        parts: Offset, spaCy doc and tag probabilities (tokens, tags) of each piece.
        tags: The tagger's labels.
        coarse: The usual part of speech of each tag.
        guideline: Its labels name spaCy's parts of speech; a token whose part of speech maps
            to nothing (white space) is no token of the answer.
        source: Who tagged it.
    """
    mapping = {tag: label.name for label in guideline.labels for tag in label.spacy}
    names = sorted({mapping[pos] for pos in coarse.values() if pos in mapping})
    columns = np.zeros((len(tags), len(names)), np.float32)
    for row, tag in enumerate(tags):
        label = mapping.get(coarse.get(tag, ""))
        if label is not None:
            columns[row, names.index(label)] = 1.0
    units: list[Unit] = []
    for offset, doc, probabilities in parts:
        by_label = probabilities @ columns
        top = probabilities.max(axis=1) if len(doc) else probabilities
        for token in doc:
            label = mapping.get(part_of_speech(token))
            if label is not None:
                units.append(
                    _unit(
                        token, offset, label, _ranked(names, by_label[token.i]), float(top[token.i])
                    )
                )
    values = [max(unit.probability or 0.0, FEWEST) for unit in units]
    unsure = sorted((u for u in units if (u.probability or 0) < DOUBTFUL), key=_probability)[:3]
    text = {unit.start: word for unit, word in zip(units, _words(parts, mapping), strict=True)}
    logs = sum(map(math.log, values))
    return Prediction(
        answer=TokensAnswer(
            tokens=tuple(Span(start=u.start, end=u.end, label=u.label) for u in units)
        ),
        probability=min(1.0, math.exp(logs)),
        method="tagger",
        evidence={
            "tokens": float(len(units)),
            "min_unit": min(values, default=1.0),
            "log_units": logs,
        },
        units=tuple(units),
        source=source,
        detail="; ".join(
            f"{text[u.start]!r}: {u.label} {u.probability:.2f}"
            + (f" or {u.alternative}" if u.alternative else "")
            for u in unsure
        ),
    )


def _probability(unit: Unit) -> float:
    return unit.probability or 0.0


def _words(parts: Sequence[tuple[int, Any, FloatArray]], mapping: dict[str, str]) -> list[str]:
    return [t.text for _, doc, _ in parts for t in doc if part_of_speech(t) in mapping]


def _ranked(names: Sequence[str], row: FloatArray) -> dict[str, float]:
    return {names[i]: float(row[i]) for i in np.argsort(-row) if row[i] >= SHOWN}


def _unit(token: Any, offset: int, label: str, ranked: dict[str, float], top: float) -> Unit:
    others = [name for name in ranked if name != label]
    return Unit(
        start=token.idx + offset,
        end=token.idx + offset + len(token),
        label=label,
        probability=token_probability(top, part_of_speech(token), token.text),
        evidence={"tag": top, **{f"label:{name}": ranked[name] for name in list(ranked)[:4]}},
        by=("spacy",),
        alternative=others[0] if others else None,
    )
