"""Gold: right answers of documents taken at random, and the hashes that make the choices."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Literal

from pydantic import Field

from llmlabel.domain.answer import Answer
from llmlabel.domain.base import Value
from llmlabel.domain.document import Document

Part = Literal["fit", "certify"]
GoldSource = Literal["import", "verdict"]

CERTIFY_SHARE = 0.4
"""Share of the texts whose gold only certifies; the rest fits calibrators and students."""


class NewGold(Value):
    """A right answer from outside; `place` says where it was read, for messages.

    `answer` is None where a trusted person found that no right answer exists.
    """

    document: Document
    answer: Answer | None
    place: str = ""


class GoldItem(Value):
    """A document of a random sample, and its right answer.

    `answer` is None where no right answer exists: whatever is accepted there is wrong.
    """

    id: str
    guideline: str = Field(description="name@version")
    document: Document
    answer: Answer | None
    source: GoldSource
    origin: str = Field(description="The file it was read from, or the reviewer.")
    sampled: float = Field(
        default=1.0, gt=0, le=1, description="With which probability the document was chosen."
    )
    created_at: datetime

    @property
    def part(self) -> Part:
        """What it may be used for."""
        return part_of(self.document.text_sha256)


def part_of(text_sha256: str) -> Part:
    """Whether gold on this text may fit or certify; the same for every guideline and for ever."""
    return "certify" if _share("part", text_sha256) < CERTIFY_SHARE else "fit"


def draw(seed: str, guideline_ref: str, text_sha256: str) -> float:
    """A number in [0, 1), uniform over texts: a document is drawn where it is below the rate.

    It depends on nothing that the labelers say, and the same text is drawn again or not again.
    """
    return _share("audit", seed, guideline_ref, text_sha256)


def blind_draw(seed: str, guideline_ref: str, text_sha256: str) -> float:
    """Another number in [0, 1), independent of `draw`: makes some doubted items blind as well."""
    return _share("blind", seed, guideline_ref, text_sha256)


def panel_draw(seed: str, guideline_ref: str, text_sha256: str) -> float:
    """A third such number, independent of both: several people decide where it is small."""
    return _share("panel", seed, guideline_ref, text_sha256)


def _share(*parts: str) -> float:
    # 53 bits, as many as a float in [0, 1) can tell apart.
    digest = hashlib.sha256("\x1f".join(parts).encode()).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / (1 << 53)
