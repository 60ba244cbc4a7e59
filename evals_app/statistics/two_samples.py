"""How do two independent groups of units differ?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, variance

from evals_app.statistics.distributions import t_quantile, t_tail
from evals_app.statistics.intervals import Estimate, Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """What of a group matters for its mean."""

    n: int
    mean: float
    variance: float

    @property
    def estimate(self) -> Estimate:
        """Of the mean."""
        return Estimate(value=self.mean, standard_error=math.sqrt(self.variance / self.n))

    @classmethod
    def of(cls, values: Sequence[float]) -> "Moments":
        """Raises `statistics.StatisticsError` for fewer than two values."""
        return cls(n=len(values), mean=fmean(values), variance=variance(values))

    def padded(self) -> "Moments":
        """With one more unit at 0 and one at 1, for values between them (Agresti and Caffo 2000).

        So even a rate of nothing leaves some doubt.
        """
        n = self.n + 2
        mean = (self.n * self.mean + 1) / n
        squares = (self.n - 1) * self.variance + self.n * self.mean**2 + 1
        return Moments(n=n, mean=mean, variance=max(0.0, squares - n * mean**2) / (n - 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Welch:
    difference: Estimate
    degrees: float
    p: float
    """Two-sided."""

    def interval(self, *, confidence: float = 0.95) -> Interval:
        half = t_quantile((1 + confidence) / 2, self.degrees) * self.difference.standard_error
        return Interval(self.difference.value - half, self.difference.value + half)


def difference(baseline: Moments, candidate: Moments, *, times: float = 1.0) -> Estimate:
    """The candidate's mean less the baseline's, or less so many `times` the baseline's."""
    error = math.sqrt(times**2 * baseline.variance / baseline.n + candidate.variance / candidate.n)
    return Estimate(value=candidate.mean - times * baseline.mean, standard_error=error)


def welch(baseline: Moments, candidate: Moments) -> Welch:
    """The t test for unequal variances, of which at least one is above 0."""
    found = difference(baseline, candidate)
    parts = [group.variance / group.n for group in (baseline, candidate)]
    spread = sum(part**2 / (group.n - 1) for part, group in zip(parts, (baseline, candidate), strict=True))
    degrees = sum(parts) ** 2 / spread
    return Welch(
        difference=found,
        degrees=degrees,
        p=2 * t_tail(abs(found.value) / found.standard_error, degrees),
    )
