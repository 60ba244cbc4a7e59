"""Durations counted in buckets that grow by a tenth.

A histogram is one whole number: each bucket's count has `DIGITS` decimal digits of it, the shortest durations
have the last ones. Adding two numbers adds two histograms, so that Postgres adds millions of them by its own
`sum`. Of n counted durations, bucket b holds those from GROWTH**b to GROWTH**(b + 1) milliseconds.

How many durations there are is the rest of the number divided by `NINES`, if they fit into one bucket: each
bucket's place is a power of 10**DIGITS, which leaves one.
"""

import math
from collections.abc import Sequence
from functools import cache
from struct import Struct

GROWTH = 1.1
"""Of one bucket's bound to the next: a percentile is right to within 5 %."""
LEAST, MOST = 0.01, 1e9
"""Milliseconds; what is shorter or longer counts as this."""
FIRST = math.floor(math.log(LEAST) / math.log(GROWTH))
"""The bucket of the last digits."""
DIGITS = 12
NINES = 10**DIGITS - 1


def percentiles(digits: str, counted: int, *shares: float) -> Sequence[float | None]:
    """For each of `shares`, the milliseconds that it did not exceed of `counted` durations; None of nothing.

    Reads no more digits than it must: of a page of a thousand rows this is most of the work.
    """
    shorter, wanted, found = counted, sorted(shares), dict[float, float]()
    buckets = -(-len(digits) // DIGITS)
    bucket = FIRST + buckets
    bound = wanted[-1] * counted
    for count in map(int, _columns(buckets).unpack(digits.zfill(buckets * DIGITS).encode())):
        bucket -= 1
        shorter -= count
        if shorter >= bound:
            continue
        while wanted and shorter < wanted[-1] * counted:
            found[wanted.pop()] = middle(bucket)
        if not wanted:
            break
        bound = wanted[-1] * counted
    return [found.get(share) for share in shares]


@cache
def _columns(buckets: int) -> Struct:
    return Struct(f"{DIGITS}s" * buckets)


def middle(bucket: int) -> float:
    """Milliseconds that stand for all that the bucket holds."""
    return math.pow(GROWTH, bucket + 0.5)
