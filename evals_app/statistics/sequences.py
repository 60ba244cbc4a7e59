"""Intervals and p values that hold however often one looks.

The asymptotic confidence sequences of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, "Time-uniform central
limit theory and asymptotic confidence sequences", Annals of Statistics 52(6), 2024: the two-sided one of
theorem 2.2, the one-sided one of its appendix. They hold from the first few dozen units on.
"""

import math

from evals_app.statistics.intervals import Estimate, Interval

PLANNED = 5000
"""Units at which a sequence is narrowest, where nobody says better."""


def confidence_sequence(
    estimate: Estimate, *, units: int, alpha: float = 0.05, planned: int = PLANNED
) -> Interval:
    """With probability 1 - `alpha` all intervals, of every look, hold the truth.

    `estimate` is that of all `units` so far; `planned` must be chosen before looking.
    """
    half = estimate.standard_error * reach(units=units, alpha=alpha, planned=planned)
    return Interval(estimate.value - half, estimate.value + half)


def reach(*, units: int, alpha: float = 0.05, planned: int = PLANNED) -> float:
    """How many standard errors the sequence goes to each side; at `planned` units the same for any plan."""
    seen = units * _tuning(alpha, planned)
    return math.sqrt(2 * (seen + 1) / seen * math.log(math.sqrt(seen + 1) / alpha))


def exceeds_p(estimate: Estimate, *, units: int, alpha: float = 0.05, planned: int = PLANNED) -> float:
    """The one-sided p value of "not above 0", at every look: where it is true, it ever falls to a level
    with no more than that probability.

    It is the level at which the one-sided sequence just excludes 0; `alpha` only tunes where it is sharpest.
    """
    if estimate.value <= 0:
        return 1.0
    if not estimate.standard_error:
        return 0.0
    seen = units * _tuning(2 * alpha, planned)
    exponent = (estimate.value / estimate.standard_error) ** 2 * seen / (2 * (seen + 1))
    if exponent > 700:  # exp overflows
        return 0.0
    return min(1.0, math.sqrt(seen + 1) / (2 * math.expm1(exponent)))


def _tuning(alpha: float, planned: int) -> float:
    """The square of the paper's rho, by its approximation of the best one for `planned` units."""
    spend = -2 * math.log(alpha)
    return (spend + math.log(spend + 1)) / planned
