"""Traces never make anybody wait, and take no more memory than their bound, whatever their host does."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from uuid import uuid4

import pytest

from gateway_app.tracing.base import TracerAway, TracerRefused
from gateway_app.tracing.feed import BATCH, Feed, Parcel
from gateway_app.tracing.records import Record, Score, encode_score, read_score


@dataclass
class Scripted:
    """A tracer that does what the test says."""

    trouble: Exception | None = None
    taken: list[str] = field(default_factory=list)
    tries: int = 0
    release: threading.Event | None = None
    """While it is there and not set, `export` hangs."""
    closed: bool = False

    def export(self, records: Sequence[Record]) -> None:
        self.tries += 1
        if self.release:
            self.release.wait(30)
        if self.trouble:
            raise self.trouble
        self.taken += [record.name for record in records if isinstance(record, Score)]

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def tracer() -> Scripted:
    return Scripted()


@pytest.fixture
def feed(tracer: Scripted) -> Iterator[Feed]:
    running = Feed("scripted", tracer, bound=100, bound_bytes=1_000_000)
    running.start()
    yield running
    if tracer.release:
        tracer.release.set()
    running.finish()
    running.join(within=5)


def parcel(name: str, *, padding: int = 0) -> Parcel:
    score = Score(id="s", call_id=uuid4(), name=name, value=True, comment="x" * padding)
    return Parcel(encode_score(score), read_score)


def names(count: int) -> list[str]:
    return [f"n{number}" for number in range(count)]


def until(condition: Callable[[], object], *, within: float = 3.0) -> None:
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_records_arrive_in_their_order_and_in_batches(feed: Feed, tracer: Scripted) -> None:
    feed.offer(parcel(name) for name in names(100))
    until(lambda: tracer.taken == names(100))
    assert tracer.tries <= 100 // BATCH + 1
    assert feed.figures == {"exported": 100, "refused": 0, "dropped": 0, "failures": 0}


def test_what_a_host_could_not_take_arrives_when_it_is_back(feed: Feed, tracer: Scripted) -> None:
    tracer.trouble = TracerAway("closed")
    feed.offer(parcel(name) for name in names(20))
    until(lambda: feed.figures["failures"])
    tracer.trouble = None
    until(lambda: tracer.taken == names(20))
    assert feed.figures["dropped"] == 0


def test_while_a_host_is_away_the_oldest_are_dropped_and_counted(feed: Feed, tracer: Scripted) -> None:
    tracer.trouble = TracerAway("closed")
    for name in names(350):
        feed.offer([parcel(name)])
    until(lambda: feed.figures["failures"] and feed.figures["dropped"] >= 250 and feed.waiting == 100)
    tracer.trouble = None
    until(lambda: tracer.taken == names(350)[250:])
    assert feed.figures["dropped"] == 250


def test_large_records_are_bounded_by_their_bytes(feed: Feed, tracer: Scripted) -> None:
    tracer.trouble = TracerAway("closed")
    feed.offer(parcel(name, padding=100_000) for name in names(40))
    until(lambda: feed.figures["failures"])
    assert feed.waiting <= 9


def test_what_a_host_refuses_is_not_sent_again(feed: Feed, tracer: Scripted) -> None:
    tracer.trouble = TracerRefused("bad keys", records=3)
    feed.offer(parcel(name) for name in names(3))
    until(lambda: feed.figures["refused"] == 3)
    tracer.trouble = None
    feed.offer([parcel("next")])
    until(lambda: tracer.taken == ["next"])


def test_a_record_that_cannot_be_read_does_not_stop_the_others(feed: Feed, tracer: Scripted) -> None:
    feed.offer([Parcel(b"{", read_score)])
    until(lambda: feed.figures["refused"] == 1)
    feed.offer([parcel("next")])
    until(lambda: tracer.taken == ["next"])


def test_a_host_that_hangs_makes_nobody_wait(feed: Feed, tracer: Scripted) -> None:
    tracer.release = threading.Event()
    feed.offer([parcel("first")])
    until(lambda: tracer.tries)
    began = time.perf_counter()
    for name in names(1000):
        feed.offer([parcel(name)])
    assert time.perf_counter() - began < 1.0
    assert feed.waiting <= 101


def test_a_stop_sends_what_is_left(tracer: Scripted) -> None:
    feed = Feed("scripted", tracer)
    feed.offer(parcel(name) for name in names(120))
    feed.start()
    feed.finish()
    feed.join(within=3)
    assert tracer.taken == names(120)
    assert tracer.closed


@pytest.mark.parametrize("hanging", [True, False], ids=["hanging", "refusing"])
def test_a_stop_is_bounded_and_counts_what_is_lost(hanging: bool) -> None:
    tracer = Scripted(trouble=TracerAway("closed"), release=threading.Event() if hanging else None)
    feed = Feed("scripted", tracer)
    feed.start()
    feed.offer(parcel(name) for name in names(120))
    until(lambda: tracer.tries)
    began = time.monotonic()
    feed.finish()
    feed.join(within=0.3)
    assert time.monotonic() - began < 1.0
    assert feed.figures["dropped"] == 120
    if tracer.release:
        tracer.release.set()
