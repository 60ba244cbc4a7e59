"""Intervals that hold however often one looks."""

import math

from evals_app.statistics.intervals import Estimate, Interval

PLANNED = 5000
"""Units at which the sequence is narrowest, where nobody says better."""


def confidence_sequence(
    estimate: Estimate, *, units: int, alpha: float = 0.05, planned: int = PLANNED
) -> Interval:
    """The asymptotic confidence sequence (Waudby-Smith et al., Annals of Statistics 52(6), 2024).

    With probability 1 - `alpha` all intervals, of every look from the first few dozen units on, hold the
    truth. `estimate` is that of all `units` so far; `planned` must be chosen before looking.
    """
    spend = -2 * math.log(alpha)
    tuned = (spend + math.log(spend + 1)) / planned
    grown = units * tuned + 1
    # On the scale of one unit's deviation; its estimate is the standard error times the root of units.
    reach = math.sqrt(2 * grown / (units * units * tuned) * math.log(math.sqrt(grown) / alpha))
    half = estimate.standard_error * math.sqrt(units) * reach
    return Interval(estimate.value - half, estimate.value + half)
