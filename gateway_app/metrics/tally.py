"""Counts and observations that wait a moment in memory: a dictionary costs a tenth of a mapped file."""

import asyncio
import atexit
from bisect import bisect_left
from collections import Counter as Count
from collections.abc import Callable, Sequence

from prometheus_client import Counter, Histogram

MOMENT = 0.1
"""Seconds, which a killed worker's counts may lack."""


class Tally:
    """Of one process. Where no event loop runs, what is added is there at once."""

    def __init__(self) -> None:
        self._due: dict[Counter, float] = {}
        self._seen: dict[Histogram, list[float]] = {}
        self._work: dict[Callable[[], None], None] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        """Where the next flush is due; it may have ended without one."""
        atexit.register(self.flush)

    def add(self, counter: Counter, amount: float = 1.0) -> None:
        """`counter`: with its labels."""
        self._due[counter] = self._due.get(counter, 0.0) + amount
        self._plan()

    def observe(self, histogram: Histogram, amount: float) -> None:
        """`histogram`: with its labels."""
        self._seen.setdefault(histogram, []).append(amount)
        self._plan()

    def when_due(self, work: Callable[[], None]) -> None:
        """`work` adds what waits elsewhere. Twice is once."""
        self._work[work] = None
        self._plan()

    def flush(self) -> None:
        """Needs no room: a series is made when its labels are looked up."""
        work, self._work = self._work, {}
        try:
            for adds in work:
                adds()
        finally:  # what fails must not keep every later flush from being planned
            self._loop = None
        due, self._due = self._due, {}
        seen, self._seen = self._seen, {}
        for counter, amount in due.items():
            counter.inc(amount)
        for histogram, amounts in seen.items():
            _observe(histogram, amounts)

    def _plan(self) -> None:
        """A flush, unless one is due."""
        if self._loop is not None and not self._loop.is_closed():
            return
        try:
            self._loop = asyncio.get_running_loop()
        except RuntimeError:
            self.flush()
        else:
            self._loop.call_later(MOMENT, self.flush)


def _observe(histogram: Histogram, amounts: Sequence[float]) -> None:
    """All at once; prometheus_client itself takes one at a time, and writes twice for each."""
    histogram._sum.inc(sum(amounts))
    for place, count in Count(bisect_left(histogram._upper_bounds, amount) for amount in amounts).items():
        histogram._buckets[place].inc(count)


tally = Tally()
