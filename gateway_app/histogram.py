"""Durations counted in buckets that grow by a tenth.

A histogram is one whole number: each bucket's count has `DIGITS` decimal digits of it, the shortest durations
have the last ones. Adding two numbers adds two histograms, so that Postgres adds millions of them by its own
`sum`. Of n counted durations, bucket b holds those from GROWTH**b to GROWTH**(b + 1) milliseconds.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from decimal import Context, Decimal
from functools import reduce
from itertools import accumulate

GROWTH = 1.1
"""Of one bucket's bound to the next: a percentile is right to within 5 %."""
LEAST, MOST = 0.01, 1e9
"""Milliseconds; what is shorter or longer counts as this."""
FIRST = math.floor(math.log(LEAST) / math.log(GROWTH))
"""The bucket of the last digits."""
DIGITS = 12
NOTHING = Decimal(0)

_exactly = Context(prec=10_000).add


def added(histograms: Iterable[Decimal]) -> Decimal:
    return reduce(_exactly, histograms, NOTHING)


def held(histogram: Decimal) -> tuple[int, Sequence[int]]:
    """The first bucket that holds something, and the counts from it on."""
    digits = f"{histogram:f}"
    empty = (len(digits) - len(digits.rstrip("0"))) // DIGITS
    whole = digits.zfill(-(-len(digits) // DIGITS) * DIGITS)
    starts = range(len(whole) - (empty + 1) * DIGITS, -1, -DIGITS)
    return FIRST + empty, [int(whole[start : start + DIGITS]) for start in starts]


def percentiles(histogram: Decimal, *shares: float) -> Sequence[float | None]:
    """Milliseconds that this share of the durations did not exceed, for each of `shares`; None of nothing."""
    first, counts = held(histogram)
    passed = list(accumulate(counts))
    if not passed[-1]:
        return [None for _ in shares]
    return [middle(first + bisect_left(passed, share * passed[-1])) for share in shares]


def middle(bucket: int) -> float:
    """Milliseconds that stand for all that the bucket holds."""
    return math.pow(GROWTH, bucket + 0.5)
