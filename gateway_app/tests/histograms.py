"""Reads a histogram bucket by bucket."""

from gateway_app.histogram import DIGITS, FIRST


def held(histogram: int) -> dict[int, int]:
    """Each bucket that holds something, and its count."""
    found, bucket = {}, FIRST
    while histogram:
        histogram, count = divmod(histogram, 10**DIGITS)
        if count:
            found[bucket] = count
        bucket += 1
    return found
