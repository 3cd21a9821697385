"""How often reviewers err, as hidden gold shows it, and what that takes off a promise.

Gold made of verdicts is as right as its reviewers. With Y the right answer of a document, V the
verdict on it and A the pipeline's answer, A is wrong only where it differs from V or V is wrong:

    P(A wrong) <= P(A differs from V) + P(V wrong)

For losses in [0, 1] other than right or wrong the last term is E[s], where s is the most that the
loss of A can be short of its true one when V stands in for Y (`slack`).

- `delivered`: the answers accepted are as wrong as said above; the documents reviewed are
  delivered with their verdicts, wrong where those are. A document is one or the other, so
  E[s] over all documents covers both, and is taken off the promised error once.
- `accepted`: only verdicts on accepted documents matter, and all mistakes may be among them:
  E[s | accepted] <= E[s] / P(accepted). Imported gold is taken as right, so of a mixed sample
  only the share made of verdicts counts. P(accepted) is at least the share of the gold less the
  bound of Dvoretzky, Kiefer and Wolfowitz, which holds at all thresholds at once.

E[s] is bounded from above by one answer to each hidden document. What the bounds may fail with is
part of the certificate's delta (a union bound), so that the promise holds with its probability.
"""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from llmlabel.confidence.bounds import (
    binomial_upper,
    hoeffding_bentkus_upper,
)
from llmlabel.confidence.risk_control import Allowance
from llmlabel.confidence.selection import percent
from llmlabel.domain.gold import GoldItem
from llmlabel.domain.promise import Loss, Promise
from llmlabel.store.benchmark_rows import Answered

REVIEWERS_DELTA = 0.2
"""Share of a certificate's delta that the bound on reviewers' mistakes may fail with."""

COVERAGE_DELTA = 0.1
"""Share of it that the bound on the accepted share may fail with."""

TOLD_DELTA = 0.05
"""Of the bound that is only told."""

_ENOUGH = 10**7  # more hidden gold than anyone decides


@dataclass(frozen=True, slots=True)
class Mistakes:
    """What is known of the mistakes of those who review under a guideline.

    Attributes:
        answers: Given to hidden gold, by all reviewers.
        wrong: The sum of their losses.
        high: What their mean is at most, with probability 95%; 1 without any.
        slacks: What the mistakes may hide, one answer to each hidden document.
        measured: Share of the certifying gold that is verdicts of reviewers who decided hidden
            gold.
        unmeasured: Share that is verdicts of others. The rest is imported, and right.
    """

    answers: int
    wrong: float
    high: float
    slacks: tuple[float, ...]
    measured: float
    unmeasured: float


@dataclass(frozen=True, slots=True)
class TakenOff:
    """What reviewers' mistakes take off a promise.

    Attributes:
        delta: What is left of it for the test of thresholds.
        high: What their mistakes may hide in the mean, at most; 0 where none can matter.
        allowance: The risk that is taken off, by how many answers are accepted.
    """

    delta: float
    high: float
    allowance: Allowance


def slack(loss: float, kind: str | None, counted: Loss) -> float:
    """The most that a loss against a verdict can be short of the true one.

    Args:
        loss: Of the verdict against the right answer, in [0, 1].
        kind: Of the answer; None where no right answer was said to exist.
        counted: How losses are counted.

    Returns:
        In [0, 1], never below `loss`: the supremum over all answers A of
        loss(A, right) - loss(A, verdict). It equals `loss` where the triangle inequality holds:
        for right or wrong, and for the share of tokens that differ. Spans: 1 - F1 is Dice's
        distance D, and J = 2D / (1 + D) is Jaccard's, which is a metric; D is convex in J, so the
        difference is greatest where the answer is wholly wrong, 1 - D(1 - J) = 4D / (1 + 3D).
        Words: with d edits between verdict and right answer of n words, the edits and the number
        of words change by at most d each, which makes 2 d / n.

    Source: Levandowsky and Winter 1971, "Distance between sets" (Jaccard's is a metric).
    """
    if counted == "exact" or kind not in ("spans", "transcript"):
        return loss
    return 4 * loss / (1 + 3 * loss) if kind == "spans" else min(1.0, 2 * loss)


def mistakes_of(answers: Sequence[Answered], gold: Sequence[GoldItem], counted: Loss) -> Mistakes:
    """What hidden gold tells of the reviewers of a guideline.

    Args:
        answers: To hidden gold of that guideline.
        gold: That certifies.
        counted: How losses are counted.
    """
    known = {each.reviewer for each in answers}
    by_verdict = [item.origin in known for item in gold if item.source == "verdict"]
    one_each = _one_each(answers)
    n = max(len(gold), 1)
    return Mistakes(
        answers=len(answers),
        wrong=sum(each.loss for each in answers),
        high=_upper([each.loss for each in one_each], TOLD_DELTA),
        slacks=tuple(slack(each.loss, each.answer_kind, counted) for each in one_each),
        measured=sum(by_verdict) / n,
        unmeasured=(len(by_verdict) - sum(by_verdict)) / n,
    )


def taken_off(mistakes: Mistakes, promise: Promise, n: int, delta: float) -> TakenOff:
    """What is taken off a promise before it is tested; see the module for the reasons.

    Args:
        mistakes: Of the reviewers.
        promise: To be proved.
        n: Gold labels that certify.
        delta: Probability of a wrong certificate that is to be shared out.
    """
    unknown = mistakes.unmeasured
    if promise.kind == "delivered":
        high = _upper(mistakes.slacks, REVIEWERS_DELTA * delta)
        every = min(1.0, high + unknown)
        return TakenOff((1 - REVIEWERS_DELTA) * delta, high, lambda accepted: every)
    if mistakes.measured == 0:
        return TakenOff(delta, 0.0, lambda accepted: unknown)
    high = _upper(mistakes.slacks, REVIEWERS_DELTA * delta)
    hidden = mistakes.measured * high
    margin = math.sqrt(math.log(1 / (COVERAGE_DELTA * delta)) / (2 * n))

    def allowance(accepted: int) -> float:
        share = accepted / n - margin
        return min(1.0, hidden / share + unknown) if share > 0 else 1.0

    return TakenOff((1 - REVIEWERS_DELTA - COVERAGE_DELTA) * delta, high, allowance)


def assumed(mistakes: Mistakes, promise: Promise, taken: TakenOff | None) -> str:
    """What a certificate assumes of its gold and of reviewers, in words.

    Args:
        mistakes: As hidden gold shows them.
        promise: That is proved.
        taken: Off the promise; None where verdicts are taken as right.
    """
    if taken is None:
        return (
            "The gold is right: the people who verified it made no mistakes, and the answers of "
            f"reviewers are right. {_seen(mistakes)}"
            + (" That is not taken off the promised error." if mistakes.answers else "")
        )
    if promise.kind == "accepted" and not mistakes.measured + mistakes.unmeasured:
        return (
            "The gold is right: all of it was imported, so that mistakes of reviewers do not "
            "touch this promise."
        )
    unmeasured = (
        f" {mistakes.unmeasured:.1%} of the gold is by reviewers who decided no hidden gold, and "
        "all of that counts as wrong."
        if mistakes.unmeasured
        else ""
    )
    return (
        f"Imported gold is right, and reviewers err as they do on hidden gold. {_seen(mistakes)} "
        f"For their mistakes {percent(taken.high)} is part of the bound.{unmeasured} Those who "
        "review share the work as they shared the hidden gold."
    )


def too_much(mistakes: Mistakes, promise: Promise, taken: TakenOff, delta: float) -> str:
    """Why nothing can be proved where mistakes may use up the whole promise, and what helps."""
    error = promise.error
    if mistakes.unmeasured >= error:
        return (
            f"{mistakes.unmeasured:.1%} of the gold that certifies is by reviewers who decided no "
            f"hidden gold, so that it may all be wrong, and only {percent(error)} is promised; "
            "have them decide hidden gold (`policy.benchmarks` of the guideline)"
        )
    so_far = (
        f"as far as hidden gold tells ({mistakes.answers} answers, {mistakes.wrong:.3g} wrong), "
        f"mistakes of reviewers may take up {percent(taken.high, error)}, and only "
        f"{percent(error)} is promised"
    )
    further = _further(mistakes.slacks, error - mistakes.unmeasured, REVIEWERS_DELTA * delta)
    if further is None:
        return f"{so_far}; no number of answers proves less, it takes surer reviewers"
    return (
        f"{so_far}; at the same rate of mistakes it takes answers to about {further} more "
        "documents of hidden gold (`policy.benchmarks` of the guideline) to leave anything of it"
    )


def _seen(mistakes: Mistakes) -> str:
    if not mistakes.answers:
        return (
            "How often reviewers err was not measured: they decided no hidden gold "
            "(`policy.benchmarks` of the guideline)."
        )
    share = percent(mistakes.wrong / mistakes.answers)
    return (
        f"On {mistakes.answers} answers to hidden gold reviewers were wrong in "
        f"{mistakes.wrong:.3g}, which is {share} and at most {percent(mistakes.high)} with "
        "probability 95%."
    )


def _one_each(answers: Sequence[Answered]) -> list[Answered]:
    """One answer to each document, so that they are independent; who gave it is chance."""
    by_gold: dict[str, list[Answered]] = defaultdict(list)
    for each in answers:
        by_gold[each.gold_id].append(each)
    chosen = []
    for gold_id, some in sorted(by_gold.items()):
        some.sort(key=lambda each: each.reviewer)
        digest = hashlib.sha256(gold_id.encode()).digest()
        chosen.append(some[int.from_bytes(digest[:8], "big") % len(some)])
    return chosen


def _upper(losses: Sequence[float], delta: float) -> float:
    if not losses:
        return 1.0
    n, total = len(losses), math.fsum(losses)
    if all(loss in (0.0, 1.0) for loss in losses):
        return binomial_upper(total, n, delta)
    return hoeffding_bentkus_upper(min(total / n, 1.0), n, delta)


def _further(losses: Sequence[float], error: float, delta: float) -> int | None:
    """How many more losses, of the same mean, bring its bound below an error."""
    n = len(losses)
    rate = math.fsum(losses) / n if n else 0.0
    if rate >= error:
        return None
    low, high = n, max(n, 1)
    while _planned(rate, high, delta) >= error:
        low, high = high, 2 * high
        if high > _ENOUGH:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _planned(rate, middle, delta) >= error else (low, middle)
    return high - n


def _planned(rate: float, n: int, delta: float) -> float:
    return binomial_upper(rate * n, n, delta)
