"""How often a value of one group is above one of another: for values that no mean describes well."""

import math

from evals_app.statistics.intervals import Estimate
from evals_app.statistics.two_samples import Moments


def superiority(first: Moments, second: Moments) -> Estimate:
    """P(a value of the first group is above one of the second), a tie counting half.

    The Mann-Whitney U over both groups' sizes. Each group comes as the moments of its placements: of each of
    its values, the share of the other group that is below it. The standard error is Brunner's and Munzel's
    (2000), which holds for ties and for unequal spreads.
    """
    error = math.sqrt(first.variance / first.n + second.variance / second.n)
    return Estimate(value=first.mean, standard_error=error)
