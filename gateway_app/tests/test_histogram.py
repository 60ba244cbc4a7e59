"""A histogram is a number: adding numbers adds histograms, exactly, however many calls they hold."""

import pytest

from gateway_app.histogram import DIGITS, FIRST, NINES, middle, percentiles
from gateway_app.tests.histograms import held


def one(bucket: int, count: int = 1) -> int:
    return int(count * 10 ** (DIGITS * (bucket - FIRST)))


def test_adding_numbers_adds_what_each_bucket_holds() -> None:
    total = one(3, 7) + one(3) + one(5, 10**11)
    assert held(total) == {5: 10**11, 3: 8}
    assert total % NINES == 10**11 + 8


def test_the_shortest_and_the_longest_are_kept_apart_to_the_last_digit() -> None:
    total = one(FIRST) + one(217, 10**12 - 1) + one(FIRST)
    assert held(total) == {217: 10**12 - 1, FIRST: 2}


@pytest.mark.parametrize(
    ("counts", "p50", "p95"),
    [({40: 1}, 40, 40), ({40: 1, 60: 1}, 40, 60), ({40: 95, 60: 5}, 40, 40), ({40: 94, 60: 6}, 40, 60)],
)
def test_a_percentile_is_the_bucket_of_its_rank(counts: dict[int, int], p50: int, p95: int) -> None:
    total = sum(one(bucket, count) for bucket, count in counts.items())
    assert percentiles(str(total), total % NINES, 0.5, 0.95) == [middle(p50), middle(p95)]


def test_of_nothing_there_is_no_percentile() -> None:
    assert percentiles("0", 0, 0.5, 0.95) == [None, None]
