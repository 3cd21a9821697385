"""From a provider's reply and its top log-probabilities to a probability per label."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from llmlabel.errors import ReplyUnreadable

_SPACE = " \t\r\n"
_EDGE = _SPACE + "\"'`“”‘’"
_END_TOKEN = re.compile(r"^(|<[|/].*>|<eos>|<end_of_turn>|\[/?INST\])$", re.DOTALL)
_SHOWN = 80


@dataclass(frozen=True)
class TokenAlternatives:
    """One generated token and what else might have stood in its place.

    `alternatives` holds (token, natural log-probability); the chosen token may be among them.
    """

    token: str
    logprob: float
    alternatives: tuple[tuple[str, float], ...]


class CandidateMatcher:
    """Says which candidate a reply is, forgiving only case, white space and quotes around it.

    Where two candidates differ in case alone, case counts.
    """

    def __init__(self, candidates: Sequence[str]) -> None:
        """Prepare the candidates.

        Raises:
            ValueError: There are none, one is blank, or two of them are the same.
        """
        self.candidates = tuple(candidates)
        # A label that is itself a quote mark (as in some tag sets) must survive the tidying.
        self._edge = _EDGE if all(_tidy(name, _EDGE) for name in candidates) else _SPACE
        folded = {_tidy(name, self._edge).casefold() for name in candidates}
        self._fold = len(folded) == len(candidates)
        self._names = [self._normal(name) for name in candidates]
        if not candidates or not all(self._names) or len(set(self._names)) != len(candidates):
            raise ValueError("candidates must be distinct, not blank, and at least one")

    def exact(self, reply: str) -> int | None:
        """The candidate that the whole reply names, or None."""
        normal = self._normal(reply)
        if normal not in self._names:
            normal = normal.rstrip(".").rstrip(self._edge)
        return self._names.index(normal) if normal in self._names else None

    def consistent(self, text: str, *, ended: bool = False) -> list[int]:
        """The candidates that a reply which begins with `text` can still turn out to be."""
        start = " ".join(text.split()) + (" " if text[-1:].isspace() else "")
        start = start.lstrip(self._edge)
        start = start.casefold() if self._fold else start
        if ended:
            found = self.exact(text)
            return [] if found is None else [found]
        open_ones = [i for i, name in enumerate(self._names) if name.startswith(start)]
        if open_ones:
            return open_ones
        # Past the end of a name: still that name if only quotes, space or a full stop follow.
        return [i for i, name in enumerate(self._names) if self._only_edge_follows(start, name)]

    def unreadable(self, reply: str) -> ReplyUnreadable:
        """The error for a reply that is none of the candidates."""
        shown = " ".join(reply.split())
        shown = shown if len(shown) <= _SHOWN else shown[: _SHOWN - 1] + "…"
        what = f"replied “{shown}”" if shown else "replied nothing"
        return ReplyUnreadable(f"The model {what}, which is none of the labels asked for.")

    def _normal(self, text: str) -> str:
        tidy = _tidy(text, self._edge)
        return tidy.casefold() if self._fold else tidy

    def _only_edge_follows(self, start: str, name: str) -> bool:
        return start.startswith(name) and not start[len(name) :].strip(self._edge + ".")


def scores_from_logprobs(
    matcher: CandidateMatcher, reply: str, tokens: Sequence[TokenAlternatives]
) -> tuple[tuple[float, ...], float]:
    """Probability of every candidate from one greedy reply, and the share seen off the labels.

    The reply is walked token by token. At each position the alternatives to the token that was
    written branch off the path; a branch's probability goes to the candidates it can still
    become, in equal parts where there are several, because what follows it was not seen. The
    path to its end goes to the candidate the reply names. Mass that can become no candidate
    is left out, and the rest is scaled to sum to one.

    Args:
        matcher: The candidates, shape (k,).
        reply: The whole reply.
        tokens: Its tokens in order, from the first one on.

    Returns:
        Probabilities of shape (k,), and the off-label mass in [0, 1]: what was seen to lead to
        no candidate, before scaling. Mass beyond the provider's top alternatives is in neither.

    Raises:
        ReplyUnreadable: The reply is not a candidate.
    """
    winner = matcher.exact(reply)
    if winner is None:
        raise matcher.unreadable(reply)
    mass = [0.0] * len(matcher.candidates)
    off_label = 0.0
    prefix, path = "", 1.0
    for step in tokens:
        for token, logprob in step.alternatives:
            if token == step.token:
                continue
            ended = bool(_END_TOKEN.match(token))
            heirs = matcher.consistent(prefix if ended else prefix + token, ended=ended)
            share = path * math.exp(min(logprob, 0.0))
            for index in heirs:
                mass[index] += share / len(heirs)
            off_label += 0.0 if heirs else share
        prefix += step.token
        path *= math.exp(min(step.logprob, 0.0))
    mass[winner] += path
    total = sum(mass)
    if total <= 0:
        return tuple(float(i == winner) for i in range(len(mass))), min(off_label, 1.0)
    return tuple(value / total for value in mass), min(off_label, 1.0)


def scores_from_samples(
    matcher: CandidateMatcher, replies: Sequence[str]
) -> tuple[tuple[float, ...], float]:
    """Share of the samples that name each candidate, and the share that names none.

    A sample that names none counts against all: its share is spread evenly over the
    candidates, so the probabilities sum to one and the first one is not flattered.

    Raises:
        ReplyUnreadable: No sample names a candidate.
    """
    votes = Counter(matcher.exact(reply) for reply in replies)
    lost = votes.pop(None, 0)
    if not votes:
        raise matcher.unreadable(replies[0] if replies else "")
    k, n = len(matcher.candidates), len(replies)
    return tuple((votes[i] + lost / k) / n for i in range(k)), lost / n


def _tidy(text: str, edge: str) -> str:
    return " ".join(text.strip(edge).split())
