"""The ways of working that are compared, each on one order."""

from __future__ import annotations

import numpy as np

from llmlabel.learning.simulate.learners import Judgement
from llmlabel.learning.simulate.stream import Bools, Order, Stream
from llmlabel.learning.simulate.trace import REASONS, Trace, Why

BARE_THRESHOLD = 0.9

POLICIES: dict[str, str] = {
    "promise": "the system with a promise: certificate, audits, student",
    "no_student": "the same without a student",
    "threshold_0.9": "accept what the labelers give a confidence of 0.9 or more, unchecked",
    "random": "people review a random share, as many as the promise took",
    "all_human": "people decide everything",
}
"""Every policy and what it does, in the order of the report."""


def bare_threshold(stream: Stream, order: Order, raw: Judgement, threshold: float) -> Trace:
    """Accept where the base labelers' own confidence reaches a threshold; review the rest."""
    confidence = raw.confidence[order.sequence]
    return _fixed(stream, order, raw, ~(confidence >= threshold), "doubt")


def random_review(stream: Stream, order: Order, raw: Judgement, decisions: int, seed: int) -> Trace:
    """Review so many documents picked blindly; the rest goes out as the labelers answered.

    A document without an answer goes out without one, which is wrong.
    """
    picked = np.zeros(stream.n, np.bool_)
    picked[np.random.default_rng([seed, 1]).permutation(stream.n)[:decisions]] = True
    return _fixed(stream, order, raw, picked, "doubt")


def all_human(stream: Stream, order: Order, raw: Judgement) -> Trace:
    """Review everything; no labeler is asked."""
    return _fixed(stream, order, raw, np.ones(stream.n, np.bool_), "forced", asked=False)


def _fixed(
    stream: Stream, order: Order, raw: Judgement, human: Bools, why: Why, *, asked: bool = True
) -> Trace:
    """A policy that decides for every document beforehand who answers it, shape (n,)."""
    rows = order.sequence
    said = np.where(human, order.verdicts[rows], raw.answers[rows])
    wrong = said != stream.gold[rows]
    counts: dict[Why, int] = dict.fromkeys(REASONS, 0)
    counts[why] = int(human.sum())
    return Trace(
        human=np.cumsum(human),
        wrong=np.cumsum(wrong),
        unseen=np.cumsum(~human),
        unseen_wrong=np.cumsum(~human & wrong),
        reasons=counts,
        calls=int(raw.asked[rows].sum()) if asked else 0,
    )
