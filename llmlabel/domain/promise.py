"""A promise on delivered labels, and the certificate that says it is kept."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field, JsonValue

from llmlabel.domain.base import Value
from llmlabel.errors import InvalidInput

PromiseKind = Literal["delivered", "accepted"]
Loss = Literal["exact", "units"]
CertificateStatus = Literal[
    "active", "infeasible", "declined", "superseded", "void", "breached", "withdrawn"
]
"""`declined`: proved, but of a training that would let less pass than what is in force.
`withdrawn`: an operator took the promise back."""

LEAST = 1e-6
"""No gold could prove more: shares are at least so far from 0 and from 1."""

_Share = Annotated[float, Field(ge=LEAST, le=1 - LEAST)]


class Promise(Value):
    """How many labels may be wrong, and how sure that is.

    `delivered`: of all labels that go out, accepted and reviewed together, at most `error` are
    wrong. `accepted`: of those that no person saw, at most `error` are wrong. Either holds with
    `probability` over the draw of the gold that certifies it.
    """

    kind: PromiseKind = "delivered"
    error: _Share
    probability: _Share = 0.95

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `delivered:0.05:0.95` (kind, error, probability).

        Raises:
            InvalidInput: It is something else, or a share is not between 0 and 1.
        """
        parts = text.strip().split(":")
        try:
            kind, error, probability = parts
            if kind not in ("delivered", "accepted"):
                raise ValueError
            shares = float(error), float(probability)
            if not all(LEAST <= share <= 1 - LEAST for share in shares):
                raise ValueError
        except ValueError:
            raise InvalidInput(
                f"`{text[:80]}` is not a promise; write KIND:ERROR:PROBABILITY, such as "
                "delivered:0.05:0.95, with the kind delivered or accepted and both numbers "
                "above 0 and below 1, by a millionth at least.",
                field="promise",
            ) from None
        return cls(kind=kind, error=shares[0], probability=shares[1])

    def __str__(self) -> str:
        return f"{self.kind}:{self.error:g}:{self.probability:g}"

    @property
    def sentence(self) -> str:
        """The promise as a reader understands it."""
        what = {
            "delivered": "of all labels delivered",
            "accepted": "of the labels accepted without a person",
        }[self.kind]
        return f"{what}, at most {self.error:.3g} are wrong, with probability {self.probability:g}"


class Certificate(Value):
    """What was proved of one pipeline under one guideline version, on gold it never learned from.

    With the status `infeasible` nothing could be proved: `threshold` is None, everything goes
    to review, and `reason` says why.
    """

    id: str
    guideline: str = Field(description="name@version")
    guideline_sha256: str
    pipeline_sha256: str = Field(description="Of `pipeline`.")
    pipeline: dict[str, JsonValue] = Field(
        description="What the answers depend on: labelers, models, prompts, training."
    )
    promise: Promise
    loss: Loss
    n: int = Field(description="Gold labels that certified.")
    attempt: int = Field(
        default=1, description="Which attempt on this gold; later ones must be surer."
    )
    threshold: float | None = Field(description="Answers at or above it are accepted.")
    observed_risk: float | None = Field(description="Of the gold, at the threshold.")
    bound: float | None = Field(description="Upper confidence bound of the risk.")
    reviewer_error: float | None = Field(
        default=None,
        description="What mistakes of reviewers may hide at most, which is part of the bound; "
        "None where verdicts are taken as right.",
    )
    coverage: float = Field(description="Share of documents expected to be accepted.")
    floor: float = Field(
        description="Share of documents that people must see however much gold there is."
    )
    further_gold: int | None = Field(
        default=None,
        description="More gold labels, at the same rate of errors, for the next lower threshold.",
    )
    sample: dict[str, JsonValue] = Field(
        default_factory=dict,
        description="Confidences, labels and novelty of the certifying gold, for drift.",
    )
    gold_since: datetime | None = Field(default=None, description="Older gold was left out.")
    assumptions: tuple[str, ...] = ()
    status: CertificateStatus = "active"
    reason: str = ""
    created_at: datetime
    ended_at: datetime | None = None
