"""Durations counted in buckets that grow by a tenth, so that counts of many hours can be added up."""

import math
from collections.abc import Mapping

GROWTH = 1.1
"""Of one bucket's bound to the next: a percentile is right to within 5 %."""
LEAST = 0.01
"""Milliseconds; what is shorter counts as this."""


def bucket_of(milliseconds: float) -> int:
    """The bucket n that holds GROWTH**n <= milliseconds < GROWTH**(n + 1)."""
    return math.floor(math.log(max(milliseconds, LEAST)) / math.log(GROWTH))


def percentile(counts: Mapping[int, int], share: float) -> float | None:
    """Milliseconds that `share` (0 to 1) of what was counted did not exceed; None where nothing was."""
    wanted = share * sum(counts.values())
    passed = 0
    for bucket in sorted(counts):
        passed += counts[bucket]
        if passed >= wanted:
            return math.pow(GROWTH, bucket + 0.5)
    return None
