"""What happened in one order under one policy, document by document."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from llmlabel.learning.simulate.stream import Ints

Why = Literal["gold", "audit", "doubt", "forced", "breach"]
REASONS: tuple[Why, ...] = ("gold", "audit", "doubt", "forced", "breach")


@dataclass(frozen=True, slots=True)
class Trace:
    """Running totals after each arrival, each of shape (n,).

    Attributes:
        human: Documents that people decided.
        wrong: Delivered answers that are wrong, of people or not.
        unseen: Delivered answers that no person saw.
        unseen_wrong: Those of them that are wrong.
        reasons: Why people decided, in all.
        calls: Language-model calls that were made.
        certificates: Certificates that came into force in the stream or before it.
        breaches: How often the gate closed.
        threshold: In force at the end; None where nothing is accepted.
    """

    human: Ints
    wrong: Ints
    unseen: Ints
    unseen_wrong: Ints
    reasons: dict[Why, int]
    calls: int
    certificates: int = 0
    breaches: int = 0
    threshold: float | None = None

    @property
    def n(self) -> int:
        """Documents that arrived."""
        return len(self.human)


@dataclass(slots=True)
class Recorder:
    """Collects a trace, arrival by arrival."""

    n: int
    now: int = 0
    human: int = 0
    wrong: int = 0
    unseen: int = 0
    unseen_wrong: int = 0
    calls: int = 0
    reasons: dict[Why, int] = field(default_factory=lambda: dict.fromkeys(REASONS, 0))
    table: Ints = field(init=False)

    def __post_init__(self) -> None:
        self.table = np.zeros((4, self.n), np.int64)

    def reviewed(self, right: bool, why: Why) -> None:
        """A person decided a document."""
        self.human += 1
        self.wrong += not right
        self.reasons[why] += 1

    def accepted(self, right: bool) -> None:
        """An answer went out that no person saw."""
        self.unseen += 1
        self.wrong += not right
        self.unseen_wrong += not right

    def recalled(self, right_before: bool, right_now: bool) -> None:
        """An answer that had gone out unseen was decided by a person after all."""
        self.unseen -= 1
        self.wrong -= not right_before
        self.unseen_wrong -= not right_before
        self.reviewed(right_now, "breach")

    def arrived(self) -> None:
        """Close the account of one arrival."""
        self.table[:, self.now] = self.human, self.wrong, self.unseen, self.unseen_wrong
        self.now += 1

    def trace(
        self, certificates: int = 0, breaches: int = 0, threshold: float | None = None
    ) -> Trace:
        """The whole account."""
        human, wrong, unseen, unseen_wrong = self.table
        return Trace(
            human,
            wrong,
            unseen,
            unseen_wrong,
            dict(self.reasons),
            self.calls,
            certificates,
            breaches,
            threshold,
        )
