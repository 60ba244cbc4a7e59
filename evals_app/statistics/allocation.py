"""Did units arrive in the shares in which they were meant to be split?"""

import math
from collections.abc import Sequence

from evals_app.statistics.distributions import chi_square_tail

ALARM = 0.001
"""A p value below it means that the split itself is broken, and no comparison of its arms can be trusted."""


def sample_ratio(counts: Sequence[int], weights: Sequence[float]) -> float:
    """The chi-square p value of `counts` under `weights`, which need not sum up to anything."""
    total, whole = sum(counts), math.fsum(weights)
    if not total:
        return 1.0
    expected = [total * weight / whole for weight in weights]
    chi_square = math.fsum((n - e) ** 2 / e for n, e in zip(counts, expected, strict=True))
    return chi_square_tail(chi_square, len(counts) - 1)
