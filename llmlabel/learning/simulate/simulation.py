"""All policies on all orders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from llmlabel.errors import InvalidInput
from llmlabel.learning.simulate.learners import Learner
from llmlabel.learning.simulate.policies import (
    BARE_THRESHOLD,
    POLICIES,
    all_human,
    bare_threshold,
    random_review,
)
from llmlabel.learning.simulate.replay import Replay, Rules, before_the_stream
from llmlabel.learning.simulate.stream import FEWEST, Stream, make_order
from llmlabel.learning.simulate.trace import Trace

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Conditions:
    """What all policies are put through.

    Attributes:
        orders: How many random orders.
        reviewer_error: Probability of a wrong verdict.
        seed: Of the orders, reviewers, audits.
    """

    orders: int = 20
    reviewer_error: float = 0.0
    seed: int = 0

    def check(self) -> None:
        """Refuse what makes no simulation.

        Raises:
            InvalidInput: Names the option.
        """
        if self.orders < 1:
            raise InvalidInput(f"--orders must be at least 1, not {self.orders}.", field="orders")
        if not 0 <= self.reviewer_error < 1:
            raise InvalidInput(
                f"--reviewer-error must be at least 0 and below 1, not {self.reviewer_error:g}.",
                field="reviewer_error",
            )


def simulate(
    stream: Stream,
    learner: Learner,
    without_student: Learner,
    rules: Rules,
    conditions: Conditions,
    progress: Progress | None = None,
) -> dict[str, list[Trace]]:
    """Replay every policy on the same orders.

    Args:
        stream: The documents and what the base labelers say of them.
        learner: Trains with a student.
        without_student: Trains without; the same one where there is none.
        rules: The promise and how the system is run.
        conditions: How often, and how good the reviewer is.
        progress: Told of each order done.

    Returns:
        By policy, one trace per order.

    Raises:
        InvalidInput: Too few documents, or a condition that cannot be met.
    """
    conditions.check()
    check_size(stream.n)
    learners = {"promise": learner, "no_student": without_student}
    before = {name: before_the_stream(stream, each, rules) for name, each in learners.items()}
    traces: dict[str, list[Trace]] = {name: [] for name in POLICIES}
    for number in range(conditions.orders):
        order = make_order(
            stream,
            number,
            seed=conditions.seed,
            reviewer_error=conditions.reviewer_error,
            audit=rules.audit,
        )
        for name, each in learners.items():
            traces[name].append(Replay(stream, each, rules, order, before[name]).run())
        spent = int(traces["promise"][-1].human[-1])
        traces["threshold_0.9"].append(bare_threshold(stream, order, learner.raw, BARE_THRESHOLD))
        traces["random"].append(
            random_review(stream, order, learner.raw, spent, conditions.seed + number)
        )
        traces["all_human"].append(all_human(stream, order, learner.raw))
        if progress is not None:
            progress(1)
    return traces


def check_size(n: int) -> None:
    """Refuse too few documents.

    Raises:
        InvalidInput: There are fewer than 50.
    """
    if n < FEWEST:
        raise InvalidInput(
            f"--gold gives {n} documents; with fewer than {FEWEST} nothing can be said about a "
            "promise. Give a larger file, or leave out --limit.",
            field="gold",
        )
