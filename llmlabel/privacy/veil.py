"""What stands between a labeler and its model: nothing, or a mask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from llmlabel.domain.answer import Span
from llmlabel.domain.guideline import Example, Guideline
from llmlabel.privacy.composed import Composed
from llmlabel.privacy.mask import Shown, mask, repeated
from llmlabel.privacy.rules import Found, find

_KEPT_TASKS = 64


class PersonFinder(Protocol):
    """Finds the names of persons, on this machine."""

    async def persons(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        """Offsets of the names in each text, in code points, end exclusive."""
        ...


class Veil(Protocol):
    """Says what of texts, tasks and examples a model is shown."""

    @property
    def redacts(self) -> bool:
        """Whether anything is masked at all."""
        ...

    async def shown(self, texts: Sequence[str]) -> list[Shown]:
        """The texts as the model sees them, in order."""
        ...

    async def task(self, guideline: Guideline) -> Guideline:
        """The guideline as the model sees it: its examples are texts as well."""
        ...

    async def examples(self, examples: Sequence[Sequence[Example]]) -> list[list[Example]]:
        """Verified examples as the model sees them, for each text."""
        ...


class OpenVeil:
    """Shows everything: for models on this machine, and for tasks that are `open`."""

    redacts = False

    async def shown(self, texts: Sequence[str]) -> list[Shown]:
        """The texts as they are."""
        return [Shown(text, text) for text in texts]

    async def task(self, guideline: Guideline) -> Guideline:
        """The guideline as it is."""
        return guideline

    async def examples(self, examples: Sequence[Sequence[Example]]) -> list[list[Example]]:
        """The examples as they are."""
        return [list(each) for each in examples]


class Redactor:
    """Masks persons, contacts, numbers, addresses and dates of birth.

    Args:
        persons: Finds names, beside what the rules find.
    """

    redacts = True

    def __init__(self, persons: PersonFinder) -> None:
        self._persons = persons
        self._masked: dict[tuple[Example, ...], tuple[Example, ...]] = {}

    async def shown(self, texts: Sequence[str]) -> list[Shown]:
        """The texts with placeholders."""
        read = [Composed(text) for text in texts]
        named = await self._persons.persons([each.text for each in read]) if texts else []
        made = []
        for text, composed, spans in zip(texts, read, named, strict=True):
            found = find(composed.text)
            found += [Found(start, end, "PERSON") for start, end in spans if start < end]
            people = [each for each in found if each.kind == "PERSON"]
            found += repeated(composed.text, people)
            made.append(mask(text, map(composed.original, found)))
        return made

    async def task(self, guideline: Guideline) -> Guideline:
        """The guideline with its examples masked, and its policy at least `redact`."""
        examples = guideline.examples
        if examples not in self._masked:
            while len(self._masked) >= _KEPT_TASKS:
                self._masked.pop(next(iter(self._masked)))
            [masked] = await self.examples([examples])
            self._masked[examples] = tuple(masked)
        policy = guideline.policy
        if policy.privacy == "open":
            policy = policy.model_copy(update={"privacy": "redact"})
        return guideline.model_copy(update={"examples": self._masked[examples], "policy": policy})

    async def examples(self, examples: Sequence[Sequence[Example]]) -> list[list[Example]]:
        """The examples with placeholders; their spans are where they were."""
        shown = iter(await self.shown([each.text for some in examples for each in some]))
        return [[_masked(each, next(shown)) for each in some] for some in examples]


def _masked(example: Example, shown: Shown) -> Example:
    spans = example.spans
    if spans is not None:
        placed = (
            Span(start=start, end=end, label=span.label)
            for span in spans
            for start, end in [shown.inward(span.start, span.end)]
        )
        spans = tuple(dict.fromkeys(placed))
    return example.model_copy(update={"text": shown.text, "spans": spans})
