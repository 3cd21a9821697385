"""How large a risk may still be, given what a sample showed: exact and distribution-free bounds.

All are one-sided: with probability at least 1 - delta over the draw of the sample, the risk is
at most the bound. A p-value is small when a risk as large as `risk` would hardly show so few
errors; p <= delta and bound <= risk say the same thing.
"""

from __future__ import annotations

import math

from scipy import special

# Sums of losses such as 0.1 + 0.2 must not be rounded up to the next whole error.
_ROUNDING = 1e-9
_HALVINGS = 60


def binomial_upper(errors: float, n: int, delta: float) -> float:
    """Upper bound of a rate of errors, exact for independent right-or-wrong answers.

    Args:
        errors: How many of the sample were wrong.
        n: Size of the sample; of an empty one the bound is 1.
        delta: Probability with which the bound may be too low.

    Raises:
        ValueError: An argument is out of its range; the message names it.

    Source: Clopper and Pearson 1934, the one-sided upper limit as a quantile of
    Beta(errors + 1, n - errors).
    """
    _check_counts(errors, n)
    _check_share("delta", delta)
    if errors >= n:
        return 1.0
    return float(special.betainccinv(errors + 1, n - errors, delta))


def binomial_p_value(errors: float, n: int, risk: float) -> float:
    """Probability of at most `errors` wrong among `n` if each is wrong with probability `risk`.

    A fraction of an error is allowed, for planning: the value then lies between those of the
    whole numbers around it.

    Raises:
        ValueError: An argument is out of its range; the message names it.

    Source: the binomial distribution function as a regularised incomplete beta function.
    """
    _check_counts(errors, n)
    _check_share("risk", risk)
    if errors >= n:
        return 1.0
    return float(special.betaincc(errors + 1, n - errors, risk))


def hoeffding_bentkus_p_value(mean: float, n: int, risk: float) -> float:
    """P-value against a mean loss above `risk`, for independent losses anywhere in [0, 1].

    Args:
        mean: Observed mean loss of the sample, in [0, 1].
        n: Size of the sample; an empty one proves nothing (1).
        risk: The mean loss to be refuted, above 0 and below 1.

    Raises:
        ValueError: An argument is out of its range; the message names it.

    Source: Bates et al. 2021, "Distribution-Free, Risk-Controlling Prediction Sets", sec. 3.1;
    as a p-value in Angelopoulos et al. 2021, "Learn then Test", prop. 1.
    """
    _check_mean(mean, n)
    _check_share("risk", risk)
    if n == 0:
        return 1.0
    bentkus = math.e * binomial_p_value(_whole_errors(mean, n), n, risk)
    return min(1.0, _hoeffding_p_value(mean, n, risk), bentkus)


def hoeffding_bentkus_upper(mean: float, n: int, delta: float) -> float:
    """Upper bound of a mean loss in [0, 1]: the largest risk the p-value does not refute.

    Raises:
        ValueError: An argument is out of its range; the message names it.

    Source: Bates et al. 2021, sec. 3.1 (the inverse of the Hoeffding-Bentkus tail bound).
    """
    _check_mean(mean, n)
    _check_share("delta", delta)
    if n == 0 or mean >= 1:
        return 1.0
    # The p-value is the lesser of two; so its inverse is the lesser of their inverses.
    bentkus = binomial_upper(_whole_errors(mean, n), n, delta / math.e)
    low, high = mean, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if not low < middle < high:
            break
        if _hoeffding_p_value(mean, n, middle) > delta:
            low = middle
        else:
            high = middle
    return min(high, bentkus)


def smallest_sample(risk: float, delta: float) -> int:
    """How many answers, all of them right, it takes to show that at most `risk` are wrong.

    The smallest n with (1 - risk)^n <= delta: 59 for 5% at 95%. It is the same for the exact
    binomial and for Hoeffding-Bentkus.

    Raises:
        ValueError: An argument is not above 0 and below 1; the message names it.
    """
    _check_share("risk", risk)
    _check_share("delta", delta)
    n = max(1, math.floor(math.log(delta) / math.log1p(-risk)))
    # The quotient may be off by one where it falls on a whole number.
    while binomial_p_value(0, n, risk) > delta:
        n += 1
    return n


def _hoeffding_p_value(mean: float, n: int, risk: float) -> float:
    at = min(mean, risk)
    divergence = _entropy(at, risk) + _entropy(1 - at, 1 - risk)
    return math.exp(-n * max(divergence, 0.0))


def _entropy(share: float, other: float) -> float:
    return share * math.log(share / other) if share > 0 else 0.0


def _whole_errors(mean: float, n: int) -> int:
    return min(n, math.ceil(n * mean - _ROUNDING))


def _check_counts(errors: float, n: int) -> None:
    if n < 0:
        raise ValueError(f"n must be at least 0, not {n}")
    if not 0 <= errors <= n:
        raise ValueError(f"errors must be from 0 to n ({n}), not {errors}")


def _check_mean(mean: float, n: int) -> None:
    if n < 0:
        raise ValueError(f"n must be at least 0, not {n}")
    if not 0 <= mean <= 1:
        raise ValueError(f"mean must be from 0 to 1, not {mean}")


def _check_share(name: str, value: float) -> None:
    if not 0 < value < 1:
        raise ValueError(f"{name} must be above 0 and below 1, not {value}")
