"""The system under a promise, on one order of arrival: learn, certify, accept, audit, close."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from llmlabel.confidence.bounds import smallest_sample
from llmlabel.confidence.risk_control import (
    candidate_thresholds,
    default_delta,
    select_threshold,
    spend,
)
from llmlabel.confidence.sequences import RiskSequence
from llmlabel.domain.promise import Promise
from llmlabel.learning.gathering import LARGEST_WEIGHT
from llmlabel.learning.simulate.learners import Judgement, Learner
from llmlabel.learning.simulate.plan import FEWEST_REFERENCE, Forecast, worth_it
from llmlabel.learning.simulate.stream import NONE, Bools, Floats, Ints, Order, Stream
from llmlabel.learning.simulate.trace import Recorder, Trace


@dataclass(frozen=True, slots=True)
class Rules:
    """How the system is run; the operator's choices, the same in every order.

    Attributes:
        promise: What is promised.
        audit: Probability with which an accepted answer is checked.
        growth: Without a certificate, by what factor the verified labels that may be learned
            from grow before the next training.
        regrowth: The same under a certificate.
        gain: A certificate is taken where it accepts so much more than the one before it (or
            than nothing), as a share of documents.
        last: Nothing is learned any more for fewer documents than this.
    """

    promise: Promise
    audit: float = 0.05
    growth: float = 1.25
    regrowth: float = 1.5
    gain: float = 0.05
    last: int = 40

    def delta(self, attempt: int) -> float:
        """Probability of a wrong certificate that the k-th attempt may use."""
        return spend(default_delta(self.promise), attempt)


@dataclass(frozen=True, slots=True)
class Standing:
    """What is in force: with a threshold, a certificate.

    Attributes:
        judgement: Of the learned version in use, or of the base labelers.
        threshold: Answers at or above it are accepted; None accepts nothing.
        accepts: Share of the certifying gold that it accepts.
        attempts: Certificates asked for so far.
        learned_from: Verified labels, of those that may be learned from, at the last training.
    """

    judgement: Judgement
    threshold: float | None = None
    accepts: float = 0.0
    attempts: int = 0
    learned_from: int = 0


def renew(
    stream: Stream,
    learner: Learner,
    rules: Rules,
    standing: Standing,
    verdicts: Ints,
    random: Bools,
    counts: Bools,
    weight: Floats,
    left: int,
) -> Standing:
    """Train, and where it is likely to pay ask for a certificate; the better one stands.

    A learned version takes over only with a certificate of its own, so a training that proves
    nothing voids nothing.

    Args:
        stream: The documents.
        learner: Trains and calibrates.
        rules: The promise and the schedule.
        standing: What is in force.
        verdicts: What people said, `NONE` where nothing, shape (N,).
        random: Whether that document was verified at random, shape (N,).
        counts: Whether gold on it is recent enough to certify, shape (N,).
        weight: How many documents it stands for, shape (N,).
        left: Documents still to come.
    """
    known = (verdicts != NONE) & stream.distinct
    fits = np.flatnonzero(known & ~stream.certifies)
    tried = Standing(
        standing.judgement, standing.threshold, standing.accepts, standing.attempts, len(fits)
    )
    judgement = learner.learn(fits, verdicts[fits], random[fits], weight[fits])
    if judgement is None or len(judgement.reference) < FEWEST_REFERENCE:
        return tried
    certify = np.flatnonzero(known & random & counts & stream.certifies)
    attempt = standing.attempts + 1
    pays = worth_it(
        Forecast.of(judgement.reference, judgement.right, rules.promise),
        gold=len(certify),
        seen=int((known & random & counts).sum()),
        left=left,
        attempt=attempt,
        audit=rules.audit,
        held=standing.accepts if standing.threshold is not None else 0.0,
        gain=rules.gain,
    )
    if not pays:
        return tried
    delta = rules.delta(attempt)
    selection = select_threshold(
        judgement.confidence[certify],
        (judgement.answers[certify] != verdicts[certify]).astype(np.float64),
        candidate_thresholds(judgement.reference, rules.promise, len(certify), delta),
        rules.promise,
        delta=delta,
    )
    held = standing.accepts if standing.threshold is not None else 0.0
    if selection.threshold is None or selection.coverage < held + rules.gain:
        return Standing(
            standing.judgement, standing.threshold, standing.accepts, attempt, len(fits)
        )
    return Standing(judgement, selection.threshold, selection.coverage, attempt, len(fits))


def before_the_stream(stream: Stream, learner: Learner, rules: Rules) -> Standing:
    """What the earlier stream, all of it verified, already allows; the same for every order."""
    standing = Standing(learner.raw)
    if not stream.history:
        return standing
    earlier = np.arange(len(stream.documents)) < stream.history
    verdicts = np.where(earlier, stream.gold, NONE)
    weight = np.ones(len(earlier))
    return renew(stream, learner, rules, standing, verdicts, earlier, earlier, weight, stream.n)


class Replay:
    """One order under a promise; `run` it once."""

    def __init__(
        self, stream: Stream, learner: Learner, rules: Rules, order: Order, standing: Standing
    ) -> None:
        self._stream, self._learner, self._rules, self._order = stream, learner, rules, order
        self._standing = standing
        total = len(stream.documents)
        self._verdicts = np.full(total, NONE)
        self._verdicts[: stream.history] = stream.gold[: stream.history]
        self._random = np.arange(total) < stream.history
        self._counts = np.ones(total, np.bool_)
        self._weight = np.ones(total)
        self._fits = int((~stream.certifies[: stream.history]).sum())
        self._gold = stream.history - self._fits
        self._book = Recorder(stream.n)
        self._certificates = int(standing.threshold is not None)
        self._breaches = 0
        self._unchecked: list[int] = []
        self._sequence = self._new_sequence()

    def run(self) -> Trace:
        """Replay the order.

        Returns:
            The account; people's decisions and unseen answers add up to the documents.
        """
        for document in self._order.sequence.tolist():
            self._arrive(document)
            self._book.arrived()
            if self._is_due():
                self._renew()
        return self._book.trace(self._certificates, self._breaches, self._standing.threshold)

    def _arrive(self, document: int) -> None:
        standing = self._standing
        self._book.calls += bool(standing.judgement.asked[document])
        if standing.threshold is None:
            self._review(document, random=True)
            self._book.reviewed(self._is_right(document), "forced" if self._breaches else "gold")
            return
        drawn = bool(self._order.drawn[document])
        # NaN, which is no answer, is not at or above anything.
        if not standing.judgement.confidence[document] >= standing.threshold:
            self._review(document, random=drawn)
            self._book.reviewed(self._is_right(document), "doubt")
            if self._rules.promise.kind == "delivered":
                self._count_lossless()
            return
        if drawn:
            self._review(document, random=True)
            self._weight[document] = min(1 / self._rules.audit, LARGEST_WEIGHT)
            self._book.reviewed(self._is_right(document), "audit")
            self._audited(document)
            return
        self._unchecked.append(document)
        self._book.accepted(self._answer(document) == self._stream.gold[document])
        self._count_lossless()

    def _audited(self, document: int) -> None:
        wrong = self._answer(document) != self._verdicts[document]
        if self._sequence is None:
            return
        self._sequence.audit(float(wrong), self._rules.audit)
        interval = self._sequence.interval()
        if interval.exceeds(self._rules.promise.error):
            self._close()
        elif interval.estimate is not None and interval.estimate <= self._rules.promise.error:
            self._unchecked.clear()  # until here the audits find the promise kept

    def _count_lossless(self) -> None:
        # A doubted answer costs a delivered promise nothing, and it enters at the same rate:
        # stakes that knew of the doubt would not be fair bets on all documents.
        if self._sequence is not None:
            self._sequence.skip(1, self._rules.audit)

    def _close(self) -> None:
        """The promise is shown to be broken: recall what no one checked, and begin anew."""
        for document in self._unchecked:
            before = self._answer(document) == self._stream.gold[document]
            self._review(document, random=False)
            self._book.recalled(bool(before), self._is_right(document))
        self._unchecked.clear()
        self._breaches += 1
        self._counts[:] = False
        self._counts[self._order.sequence[self._book.now + 1 :]] = True
        self._gold = 0
        standing = self._standing
        self._standing = Standing(
            standing.judgement, attempts=standing.attempts, learned_from=self._fits
        )

    def _review(self, document: int, *, random: bool) -> None:
        self._verdicts[document] = self._order.verdicts[document]
        self._random[document] = random
        if not self._stream.certifies[document]:
            self._fits += 1
        elif random:
            self._gold += 1

    def _is_due(self) -> bool:
        standing, rules = self._standing, self._rules
        if self._book.n - self._book.now < rules.last:
            return False
        factor = rules.growth if standing.threshold is None else rules.regrowth
        if self._fits < factor * standing.learned_from:
            return False
        return self._gold >= smallest_sample(
            rules.promise.error, rules.delta(standing.attempts + 1)
        )

    def _renew(self) -> None:
        before = self._standing
        self._standing = renew(
            self._stream,
            self._learner,
            self._rules,
            before,
            self._verdicts,
            self._random,
            self._counts,
            self._weight,
            self._book.n - self._book.now,
        )
        if self._standing.judgement is not before.judgement:
            self._certificates += 1
            self._unchecked.clear()
            self._sequence = self._new_sequence()

    def _new_sequence(self) -> RiskSequence | None:
        promise, audit = self._rules.promise, self._rules.audit
        if not audit:
            return None
        return RiskSequence(audit, default_delta(promise), (promise.error,))

    def _answer(self, document: int) -> int:
        return int(self._standing.judgement.answers[document])

    def _is_right(self, document: int) -> bool:
        return bool(self._verdicts[document] == self._stream.gold[document])
