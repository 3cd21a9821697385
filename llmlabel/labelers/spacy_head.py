"""spaCy with a head trained on verified labels: its own answers, weighed and mended by the head."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from llmlabel.domain.answer import Span, TokensAnswer
from llmlabel.domain.document import Document
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.prediction import Prediction, Unit
from llmlabel.labelers.spacy_features import Featured
from llmlabel.labelers.spacy_labeler import SpacyLabeler
from llmlabel.labelers.spacy_tokens import DOUBTFUL, SHOWN
from llmlabel.labelers.span_head import SpanHead
from llmlabel.labelers.token_head import NO_UNIT, TokenHead

_TINY = 1e-6

Head = TokenHead | SpanHead


def under(featured: Featured, head: Head | None) -> Prediction:
    """What is predicted of a document with a head; spaCy's own prediction without one.

    Raises:
        InvalidInput: The head was trained with another pipeline.
    """
    if head is None:
        return featured.prediction
    if isinstance(head, SpanHead):
        return head.apply(featured.text, featured.prediction, featured.tokens)
    return tokens_under(head, featured)


def head_from_arrays(arrays: Mapping[str, npt.NDArray[Any]]) -> Head:
    """The head that gave these arrays."""
    return (SpanHead if "span_names" in arrays else TokenHead).from_arrays(arrays)


class HeadedSpacyLabeler:
    """The labeler `spacy` with a head.

    Args:
        spacy: The labeler whose pipeline is used; it may serve other guidelines beside.
        head: Trained with that pipeline on one guideline's verified labels.
    """

    name = "spacy"

    def __init__(self, spacy: SpacyLabeler, head: Head) -> None:
        self._spacy = spacy
        self._head = head

    async def predict(
        self,
        documents: Sequence[Document],
        guideline: Guideline,
        earlier: Sequence[Sequence[Prediction]],
    ) -> Sequence[Prediction]:
        """One prediction per document; see `Labeler.predict` and `SpacyLabeler.predict`.

        Raises:
            InvalidInput: The head was trained with another pipeline.
        """
        featured = await self._spacy.features(documents, guideline)
        return await asyncio.to_thread(lambda: [under(each, self._head) for each in featured])


def tokens_under(head: TokenHead, featured: Featured) -> Prediction:
    """The tokens with the head's labels and probabilities."""
    prediction = featured.prediction
    place = {
        (int(start), int(end)): row
        for row, (start, end) in enumerate(
            zip(featured.tokens.start, featured.tokens.end, strict=True)
        )
    }
    chances = head.probabilities(featured.tokens)
    named = [index for index, name in enumerate(head.classes) if name != NO_UNIT]
    units = [
        _unit(unit, chances[place[unit.start, unit.end]], head.classes, named)
        for unit in prediction.units
    ]
    logs = sum(math.log(max(unit.probability or 0.0, _TINY)) for unit in units)
    return prediction.model_copy(
        update={
            "answer": TokensAnswer(
                tokens=tuple(Span(start=u.start, end=u.end, label=u.label) for u in units)
            ),
            "units": tuple(units),
            "probability": min(1.0, math.exp(logs)),
            "method": "token_head",
            "evidence": {
                **prediction.evidence,
                "min_unit": min((unit.probability or 0.0 for unit in units), default=1.0),
                "log_units": logs,
            },
            "detail": "; ".join(_doubts(featured.text, units)),
        }
    )


def _doubts(text: str, units: Sequence[Unit]) -> list[str]:
    unsure = [unit for unit in units if (unit.probability or 0.0) < DOUBTFUL]
    unsure.sort(key=lambda unit: unit.probability or 0.0)
    return [
        f"{text[unit.start : unit.end]!r}: {unit.label} {unit.probability:.2f}"
        + (f" or {unit.alternative}" if unit.alternative else "")
        for unit in unsure[:3]
    ]


def _unit(unit: Unit, row: npt.NDArray[Any], classes: Sequence[str], named: Sequence[int]) -> Unit:
    ranked = sorted(named, key=lambda index: -row[index])
    shown = {f"label:{classes[i]}": float(row[i]) for i in ranked[:4] if row[i] >= SHOWN}
    own = {key: value for key, value in unit.evidence.items() if not key.startswith("label:")}
    best = ranked[0]
    return unit.model_copy(
        update={
            "label": classes[best],
            "probability": float(np.clip(row[best], 0.0, 1.0)),
            "evidence": {**own, "spacy": unit.probability or 0.0, **shown},
            "alternative": classes[ranked[1]]
            if len(ranked) > 1 and row[ranked[1]] >= SHOWN
            else None,
        }
    )
