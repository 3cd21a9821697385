"""What the search for a threshold found, and the sentence that tells an operator."""

from __future__ import annotations

from dataclasses import dataclass

from llmlabel.domain.promise import Promise


@dataclass(frozen=True, slots=True)
class Tested:
    """One threshold that was tested on the gold.

    `risk` is the observed one: of all gold for `delivered`, of the accepted for `accepted`
    (None where nothing reached the threshold). `bound` holds with the test's probability.
    """

    threshold: float
    accepted: int
    coverage: float
    risk: float | None
    bound: float
    passed: bool


@dataclass(frozen=True, slots=True)
class Selection:
    """The lowest threshold that keeps the promise, or why there is none.

    `observed_risk`, `bound` and `coverage` are those at the threshold (None, None and 0 without
    one). `floor` is the share of documents that people must see however much gold there is.
    `further` counts the gold labels still lacking, at the same rate of errors, until the first
    threshold that failed would pass: 0 when none failed, None when it never would. `curve`
    holds every threshold that was tested, highest first.
    """

    threshold: float | None
    n: int
    accepted: int
    observed_risk: float | None
    bound: float | None
    coverage: float
    floor: float
    further: int | None
    reason: str
    curve: tuple[Tested, ...]

    @property
    def feasible(self) -> bool:
        """Whether anything may be accepted at all."""
        return self.threshold is not None


@dataclass(frozen=True, slots=True)
class Findings:
    """What the words are made of."""

    promise: Promise
    probability: float  # of the test; above the promise's where attempts share it
    n: int
    kept: Tested | None
    failed: Tested | None
    flawless: float | None  # bound of a flawless record as long as the failed one, if not enough
    fewest: int  # smallest flawless sample that passes
    further: int | None
    floor: float
    hidden: float = 0.0  # risk that mistakes of the gold may hide; part of every bound


def reason(found: Findings) -> str:
    """One sentence: what was shown, or what is lacking."""
    if found.kept is not None:
        return _kept(found, found.kept)
    if found.n == 0:
        return f"there are no gold labels to certify with; at least {found.fewest} are needed"
    if found.failed is None:
        return "there was no threshold to test"
    if found.flawless is not None:
        return _too_few(found, found.failed, found.flawless)
    return _failed(found, found.failed)


def percent(share: float, beside: float | None = None) -> str:
    """A share in words: 22%, 3.9%, 5%; finer where it must differ from the one beside it."""
    places = 0 if share >= 0.1 else 1
    if beside is not None and share != beside:
        while places < 6 and round(100 * share, places) == round(100 * beside, places):
            places += 1
    text = f"{100 * share:.{places}f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) + "%"


def _kept(found: Findings, kept: Tested) -> str:
    error = found.promise.error
    limit = percent(kept.bound, error)
    sentence = (
        f"of {_labels(found.n)} {kept.accepted} reach the threshold {kept.threshold:.4g}; "
        f"{_observed(found, kept)}, at most {limit} with probability "
        f"{100 * found.probability:.4g}%, within the promised {percent(error)}"
    )
    if found.hidden:
        sentence += f" ({percent(found.hidden)} of it for mistakes of reviewers)"
    if found.failed is None:
        return sentence
    lower = f"the next threshold, {found.failed.threshold:.4g}"
    if found.further is None:
        return f"{sentence}; {lower}, breaks the promise and more gold would not change that"
    more = _labels(found.further, "more")
    return f"{sentence}; {more} at the same rate of errors would reach {lower}"


def _too_few(found: Findings, failed: Tested, flawless: float) -> str:
    limit, error = percent(flawless, found.promise.error), found.promise.error
    proves = f"even a flawless record proves only that at most {limit} are wrong"
    if found.promise.kind == "delivered":
        return f"with {_labels(found.n)} {proves}; at least {found.fewest} are needed"
    reach = "reaches" if failed.accepted == 1 else "reach"
    sentence = (
        f"of {_labels(found.n)} {failed.accepted} {reach} the first threshold tested, "
        f"{failed.threshold:.4g}, and of so few {proves}; at least {found.fewest} must reach it"
    )
    if found.further is not None:
        return f"{sentence}, which takes about {_labels(found.further, 'more')}"
    return f"{sentence}, and of those there are, more than the promised {percent(error)} are wrong"


def _failed(found: Findings, failed: Tested) -> str:
    error = found.promise.error
    first = f"at the first threshold tested, {failed.threshold:.4g}, {_observed(found, failed)}"
    if found.further is None:
        with_mistakes = (
            f", with {percent(found.hidden)} that mistakes of reviewers may hide,"
            if found.hidden
            else ","
        )
        sentence = (
            f"{first}{with_mistakes} not less than the promised {percent(error)}; no amount of "
            "gold proves such a threshold, it takes better answers"
            + (" or surer reviewers" if found.hidden else "")
        )
        if found.promise.kind == "accepted" and found.floor < 1:
            return f"{sentence}, or much more gold, to test a higher threshold on"
        return sentence
    return (
        f"{first}, but {_labels(found.n)} prove only that it is at most "
        f"{percent(failed.bound, error)}; about {_labels(found.further, 'more')} at the same "
        "rate of errors would do"
    )


def _observed(found: Findings, tested: Tested) -> str:
    of = {"delivered": "of all labels delivered", "accepted": "of those accepted"}
    share = percent(tested.risk or 0.0, found.promise.error)
    return f"{share} {of[found.promise.kind]} are wrong"


def _labels(count: int, which: str = "") -> str:
    words = f"{count} {which} gold label".replace("  ", " ")
    return words if count == 1 else words + "s"
