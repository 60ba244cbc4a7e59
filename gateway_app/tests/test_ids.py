"""Identifiers that sort by time."""

import time

from gateway_app.ids import uuid7


def test_they_are_version_7_and_say_when_they_were_made() -> None:
    before = time.time_ns() // 1_000_000
    made = uuid7()
    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert before <= made.int >> 80 <= time.time_ns() // 1_000_000


def test_later_ones_sort_after_earlier_ones() -> None:
    first = uuid7()
    time.sleep(0.002)
    assert first < uuid7()


def test_no_two_are_the_same() -> None:
    assert len({uuid7() for _ in range(10_000)}) == 10_000
