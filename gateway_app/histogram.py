"""Durations counted in buckets that grow by a tenth, so that counts of many hours can be added up.

Bucket n holds what takes from GROWTH**n to GROWTH**(n + 1) milliseconds.
"""

import math

GROWTH = 1.1
"""Of one bucket's bound to the next: a percentile is right to within 5 %."""
LEAST = 0.01
"""Milliseconds; what is shorter counts as this."""


def middle(bucket: int) -> float:
    """Milliseconds that stand for all that the bucket holds."""
    return math.pow(GROWTH, bucket + 0.5)
