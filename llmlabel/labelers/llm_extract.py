"""All spans of a text as quotes of a language model, put where they stand or reported."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence

from pydantic import Field, JsonValue, ValidationError

from llmlabel.domain.answer import Span, SpansAnswer
from llmlabel.domain.base import Value
from llmlabel.domain.document import Document
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.prediction import Outcome, Prediction, Source, Unit
from llmlabel.labelers.align import Aligned, Quote, Unaligned, align
from llmlabel.labelers.boundaries import trim
from llmlabel.labelers.llm_common import counted, failure_in, source_of
from llmlabel.labelers.pieces import pieces
from llmlabel.llm.protocol import ChatModel, Reply
from llmlabel.privacy import OpenVeil, Shown, Veil
from llmlabel.prompts import PromptTemplate
from llmlabel.prompts.fence import restore

PIECE = 3_000
"""Code points of text in one question."""
UNKNOWN = 0.5
"""The probability of a span for which the model tells none."""
UNPLACED = 0.3
"""A quote that cannot be placed leaves this much of the answer's probability."""


class _Entity(Value):
    quote: str = Field(min_length=1)
    label: str


class _Entities(Value):
    entities: tuple[_Entity, ...]


def schema_of(labels: Sequence[str]) -> dict[str, JsonValue]:
    """The JSON schema of a reply."""
    return {
        "type": "object",
        "properties": {
            "entities": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "quote": {"type": "string", "minLength": 1},
                        "label": {"type": "string", "enum": list(labels)},
                    },
                    "required": ["quote", "label"],
                    "additionalProperties": False,
                },
            }
        },
        "required": ["entities"],
        "additionalProperties": False,
    }


class Extraction:
    """Asks a language model for every span of a text.

    Args:
        model: The language model.
        prompt: The template, with the blocks of `prompts/spans`.
        veil: Says what the model is shown of a text.
    """

    def __init__(self, model: ChatModel, prompt: PromptTemplate, veil: Veil | None = None) -> None:
        self._model = model
        self._prompt = prompt
        self._veil = veil or OpenVeil()

    async def predict(
        self, documents: Sequence[Document], guideline: Guideline
    ) -> list[Prediction]:
        """One prediction per document."""
        task = await self._veil.task(guideline)
        shown = await self._veil.shown([document.text for document in documents])
        cut = [list(pieces(each.text, PIECE)) for each in shown]
        prompts = [
            self._prompt.render(task, text, redacted=self._veil.redacts)
            for each in cut
            for _, text in each
        ]
        longest = max((len(text) for each in cut for _, text in each), default=0)
        replies = iter(
            await self._model.generate(
                prompts, schema_of(guideline.label_names), max_tokens=128 + longest // 2
            )
        )
        return [
            self._prediction(each, parts, [next(replies) for _ in parts], guideline)
            for each, parts in zip(shown, cut, strict=True)
        ]

    def _prediction(
        self,
        shown: Shown,
        parts: Sequence[tuple[int, str]],
        results: Sequence[Reply | Exception],
        guideline: Guideline,
    ) -> Prediction:
        replies = [each for each in results if isinstance(each, Reply)]
        usages = [each.usage for each in replies]
        redacted = counted(shown, self._veil)
        source = source_of("llm", self._model, self._prompt, usages, redacted)
        failure = failure_in(results, source) or _cut_short(replies, source)
        if failure is not None:
            return failure
        units: list[Unit] = []
        lost: list[Unaligned] = []
        for (offset, text), reply in zip(parts, replies, strict=True):
            quotes = read(reply.text, guideline.label_names)
            if isinstance(quotes, str):
                return Prediction(outcome=Outcome.UNREADABLE, source=source, detail=quotes)
            found, unplaced = align(text, quotes)
            lost += unplaced
            sure = label_probabilities(reply)
            units += [_unit(shown, offset, each, sure, guideline) for each in found]
        units = _apart(units)
        own = [unit.probability if unit.probability is not None else UNKNOWN for unit in units]
        return Prediction(
            answer=SpansAnswer(
                spans=tuple(Span(start=u.start, end=u.end, label=u.label) for u in units if u.kept)
            ),
            probability=min(own, default=0.8) * UNPLACED ** min(len(lost), 3),
            method="quotes",
            evidence={
                "entities": float(len(units)),
                "unaligned": float(len(lost)),
                "min_unit": min(own, default=1.0),
            },
            units=tuple(units),
            source=source,
            detail="; ".join(
                f"{each.quote.label} {each.quote.text!r} has no place: {each.reason}"
                for each in lost[:5]
            ),
        )


def read(reply: str, labels: Sequence[str]) -> list[Quote] | str:
    """The quotes of a reply, or why it cannot be read."""
    try:
        entities = _Entities.model_validate(json.loads(reply)).entities
    except json.JSONDecodeError as exc:
        return f"the reply is not JSON ({exc.msg} at character {exc.pos})"
    except ValidationError as exc:
        first = exc.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the reply"
        return f"the reply has another form than was asked for ({where}: {first['msg']})"
    for entity in entities:
        if entity.label not in labels:
            return f"the reply has the unknown label {entity.label!r}"
    return [Quote(restore(entity.quote), entity.label) for entity in entities]


def label_probabilities(reply: Reply) -> list[float | None]:
    """Probability of each entity's label as it was written, in order; None where not told."""
    spots = [m.span(1) for m in re.finditer(r'"label"\s*:\s*"((?:[^"\\]|\\.)*)"', reply.text)]
    if len(reply.tokens) != len(reply.logprobs) or "".join(reply.tokens) != reply.text:
        return [None] * len(spots)
    bounds, at = [], 0
    for token, logprob in zip(reply.tokens, reply.logprobs, strict=True):
        bounds.append((at, at + len(token), logprob))
        at += len(token)
    return [
        min(1.0, math.exp(sum(p for a, b, p in bounds if a < end and b > start)))
        for start, end in spots
    ]


def _cut_short(replies: Sequence[Reply], source: Source) -> Prediction | None:
    for reply in replies:
        if reply.finish == "length":
            return Prediction(
                outcome=Outcome.TRUNCATED,
                source=source,
                detail="the reply was cut off by its length limit",
            )
        if reply.finish == "refusal":
            return Prediction(
                outcome=Outcome.REFUSED, source=source, detail="the model declined to answer"
            )
    return None


def _unit(
    shown: Shown,
    offset: int,
    found: Aligned,
    sure: Sequence[float | None],
    guideline: Guideline,
) -> Unit:
    label = found.quote.label
    told_start, told_end = shown.outward(found.start + offset, found.end + offset)
    start, end = trim(shown.original, told_start, told_end, guideline.trim, label=label)
    if start >= end:
        start, end = told_start, told_end
    told = sure[found.index] if found.index < len(sure) else None
    return Unit(
        start=start,
        end=end,
        label=label,
        probability=UNKNOWN if told is None else told,
        evidence={} if told is None else {"label": told},
        by=("llm",),
    )


def _apart(units: Sequence[Unit]) -> list[Unit]:
    """In order; of two that overlap the later one is shown to the reviewer, not kept."""
    made: list[Unit] = []
    end = -1
    for unit in sorted(units, key=lambda each: (each.start, -each.end)):
        overlaps = unit.start < end
        note = "overlaps another span" if overlaps else None
        made.append(unit.model_copy(update={"kept": not overlaps, "note": note}))
        end = max(end, unit.end)
    return made
