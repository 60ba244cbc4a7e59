"""Ratios of means, by the delta method: calls of one unit belong together, and so do a cost and its calls."""

import math
from collections.abc import Sequence
from statistics import covariance, fmean, variance

from evals_app.statistics.intervals import Estimate


def ratio(numerators: Sequence[float], denominators: Sequence[float]) -> Estimate:
    """The sum of `numerators` over the sum of `denominators`, one of each a unit (cost over calls, say).

    Raises `ValueError` for fewer than two units or where the denominators sum up to nothing.
    """
    n, bottom = len(numerators), fmean(denominators)
    if n < 2 or not bottom:
        raise ValueError("a ratio needs two units and something below the line")
    value = fmean(numerators) / bottom
    spread = (
        variance(numerators)
        - 2 * value * covariance(numerators, denominators)
        + value * value * variance(denominators)
    )
    return Estimate(value=value, standard_error=math.sqrt(max(0.0, spread) / n) / abs(bottom))


def relative_lift(baseline: Estimate, candidate: Estimate) -> Estimate:
    """By what share `candidate` exceeds an independent `baseline`, whose value must not be 0."""
    if not baseline.value:
        raise ValueError("there is no lift over nothing")
    quotient = candidate.value / baseline.value
    error = math.hypot(candidate.standard_error, quotient * baseline.standard_error) / abs(baseline.value)
    return Estimate(value=quotient - 1, standard_error=error)
