"""Intervals by resampling, for what has no formula. The same seed gives the same interval."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from evals_app.statistics.intervals import Interval

RESAMPLES = 2000
CHUNK = 2_000_000
"""Numbers drawn at once: a bound on memory, 16 MB."""

Floats = NDArray[np.float64]


def bootstrap_mean(
    values: Sequence[float], *, seed: int, confidence: float = 0.95, resamples: int = RESAMPLES
) -> Interval:
    """Of the mean of `values`."""
    data = np.asarray(values, dtype=float)
    return _interval(lambda drawn: data[drawn].mean(axis=1), len(data), seed, confidence, resamples)


def paired_bootstrap(
    baseline: Sequence[float],
    candidate: Sequence[float],
    *,
    seed: int,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
) -> Interval:
    """Of the mean of `candidate` less `baseline`, whose values belong to the same cases in the same order."""
    differences = np.asarray(candidate, dtype=float) - np.asarray(baseline, dtype=float)
    return bootstrap_mean(differences.tolist(), seed=seed, confidence=confidence, resamples=resamples)


def bootstrap_percentile(
    units: Sequence[Sequence[float]],
    percent: float,
    *,
    seed: int,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
) -> Interval:
    """Of a percentile over all values, where those of one unit belong together and are drawn together."""
    groups = [np.asarray(unit, dtype=float) for unit in units]
    if all(len(group) == 1 for group in groups):
        pool = np.concatenate(groups) if groups else np.empty(0)
        return _interval(
            lambda drawn: np.percentile(pool[drawn], percent, axis=1),
            len(groups),
            seed,
            confidence,
            resamples,
        )

    def percentiles(drawn: NDArray[np.int64]) -> Floats:
        pools = (np.concatenate([groups[index] for index in row]) for row in drawn)
        return np.array([np.percentile(pool, percent) for pool in pools])

    return _interval(percentiles, len(groups), seed, confidence, resamples)


def _interval(
    statistic: Callable[[NDArray[np.int64]], Floats],
    size: int,
    seed: int,
    confidence: float,
    resamples: int,
) -> Interval:
    """`statistic` maps rows of drawn indices to one number each. Raises `ValueError` without data."""
    if not size:
        raise ValueError("there is nothing to resample")
    random, found = np.random.default_rng(seed), []
    rows = max(1, CHUNK // size)
    for start in range(0, resamples, rows):
        found.append(statistic(random.integers(0, size, (min(rows, resamples - start), size))))
    low, high = np.quantile(np.concatenate(found), [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(low), float(high))
