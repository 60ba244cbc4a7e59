"""Did the same cases fare differently under two versions?"""

import math
from collections.abc import Sequence

from evals_app.statistics.distributions import binomial_half_two_sided, normal_tail
from evals_app.statistics.intervals import Estimate


def mcnemar(baseline: Sequence[bool], candidate: Sequence[bool]) -> float:
    """The exact two-sided p value of "both pass equally often", from the cases on which they differ."""
    pairs = list(zip(baseline, candidate, strict=True))
    won, lost = pairs.count((False, True)), pairs.count((True, False))
    return binomial_half_two_sided(won, won + lost)


def bounded_difference(differences: Sequence[float]) -> Estimate:
    """The mean of differences between scores from 0 to 1, fit for few cases.

    As Agresti and Min (2005) do for matched pairs of pass and fail, half a case is added to each of the four
    outcomes. So even a hundred equal pairs leave some doubt, which plain resampling would deny.
    """
    n = len(differences) + 2
    mean = math.fsum(differences) / n
    variance = (math.fsum(d * d for d in differences) + 1) / n - mean * mean
    return Estimate(value=mean, standard_error=math.sqrt(variance / n))


def worse_by(difference: Estimate, margin: float) -> float:
    """The one-sided p value of "worse by `margin` or more": small means that it is not (non-inferiority)."""
    return _tail(difference.value + margin, difference.standard_error)


def not_worse(difference: Estimate) -> float:
    """The one-sided p value of "not worse at all": small means that it is worse."""
    return _tail(-difference.value, difference.standard_error)


def _tail(distance: float, error: float) -> float:
    """Without any error there is no doubt."""
    return normal_tail(distance / error) if error else float(distance <= 0)
