"""Between which values does a rate or a mean lie?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from evals_app.statistics.distributions import normal_quantile, t_quantile


@dataclass(frozen=True, slots=True)
class Interval:
    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    value: float
    standard_error: float

    def interval(self, *, confidence: float = 0.95) -> Interval:
        """By the normal approximation."""
        half = normal_quantile((1 + confidence) / 2) * self.standard_error
        return Interval(self.value - half, self.value + half)


def wilson(successes: int, trials: int, *, confidence: float = 0.95) -> Interval:
    """Of a rate (Wilson 1927). Without trials: everything is possible."""
    if not trials:
        return Interval(0.0, 1.0)
    z = normal_quantile((1 + confidence) / 2)
    rate, scale = successes / trials, 1 + z * z / trials
    center = (rate + z * z / (2 * trials)) / scale
    half = z / scale * math.sqrt(rate * (1 - rate) / trials + z * z / (4 * trials * trials))
    return Interval(max(0.0, center - half), min(1.0, center + half))


def t_interval(values: Sequence[float], *, confidence: float = 0.95) -> Interval:
    """Of a mean, by Student's distribution. Raises `ValueError` for fewer than two values."""
    if len(values) < 2:
        raise ValueError("an interval needs at least two values")
    half = t_quantile((1 + confidence) / 2, len(values) - 1) * stdev(values) / math.sqrt(len(values))
    mean = fmean(values)
    return Interval(mean - half, mean + half)
