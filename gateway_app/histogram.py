"""Durations counted in buckets that grow by a tenth.

A histogram is one whole number: each bucket's count has `DIGITS` decimal digits of it, the shortest durations
have the last ones. Adding two numbers adds two histograms, so that Postgres adds millions of them by its own
`sum`. Of n counted durations, bucket b holds those from GROWTH**b to GROWTH**(b + 1) milliseconds.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from decimal import Context, Decimal
from functools import reduce

GROWTH = 1.1
"""Of one bucket's bound to the next: a percentile is right to within 5 %."""
LEAST, MOST = 0.01, 1e9
"""Milliseconds; what is shorter or longer counts as this."""
FIRST = math.floor(math.log(LEAST) / math.log(GROWTH))
"""The bucket of the last digits."""
DIGITS = 12
NOTHING = Decimal(0)
NINES = Decimal(10**DIGITS - 1)

_exactly = Context(prec=10_000)
_remainder = _exactly.remainder


def added(histograms: Iterable[Decimal]) -> Decimal:
    return reduce(_exactly.add, histograms, NOTHING)


def held(histogram: Decimal) -> Iterator[tuple[int, int]]:
    """Each bucket that holds something, and its count; the longest durations first."""
    digits = _digits(histogram)
    for start in range(0, len(digits), DIGITS):
        if count := int(digits[start : start + DIGITS]):
            yield _bucket(digits, start), count


def _digits(histogram: Decimal) -> str:
    digits = f"{histogram:f}"
    return digits.zfill(-(-len(digits) // DIGITS) * DIGITS)


def _bucket(digits: str, start: int) -> int:
    return FIRST + (len(digits) - start) // DIGITS - 1


def counted(histogram: Decimal) -> int:
    """How many durations there are, if they fit into one bucket: so nines are cast out, too."""
    return int(_remainder(histogram, NINES))


def percentiles(histogram: Decimal, *shares: float) -> Sequence[float | None]:
    """Milliseconds that this share of the durations did not exceed, for each of `shares`; None of nothing.

    Reads no further than it must: of a page of a thousand rows this is most of the work.
    """
    shorter = total = counted(histogram)
    wanted, found = sorted(shares), dict[float, float]()
    digits = _digits(histogram)
    bound = wanted[-1] * total
    for start in range(0, len(digits), DIGITS):
        shorter -= int(digits[start : start + DIGITS])
        if shorter >= bound:
            continue
        while wanted and shorter < wanted[-1] * total:
            found[wanted.pop()] = middle(_bucket(digits, start))
        if not wanted:
            break
        bound = wanted[-1] * total
    return [found.get(share) for share in shares]


def middle(bucket: int) -> float:
    """Milliseconds that stand for all that the bucket holds."""
    return math.pow(GROWTH, bucket + 0.5)
