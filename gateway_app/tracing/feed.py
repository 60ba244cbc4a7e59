"""Takes records to one tracer from a thread of its own, so that nobody ever waits for its host."""

import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import structlog

from gateway_app.tracing.base import Tracer, TracerAway, TracerRefused
from gateway_app.tracing.records import Record

log = structlog.get_logger()

BOUND = 10_000
"""Records that wait; beyond it the oldest are dropped."""
BOUND_BYTES = 32 * 1024 * 1024
BATCH = 50
BATCH_BYTES = 2 * 1024 * 1024
"""Langfuse takes 3.5 MB at once."""
LONGEST_PAUSE = 30.0
"""Seconds between two tries at a host that is away."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """A record as it came; it is read in the feed's thread."""

    entry: bytes
    read: Callable[[bytes], Record]


class Feed:
    """One for each tracer."""

    def __init__(
        self, name: str, tracer: Tracer, *, bound: int = BOUND, bound_bytes: int = BOUND_BYTES
    ) -> None:
        self.name = name
        self.figures = Counter(exported=0, refused=0, dropped=0, failures=0)
        """Records `exported`, `refused` and `dropped`; `failures`: tries that found the host away."""
        self._tracer = tracer
        self._bound, self._bound_bytes = bound, bound_bytes
        self._queue: deque[Parcel] = deque()
        self._bytes = 0
        self._in_hand = 0
        self._changed = threading.Condition()
        self._stopping = False
        self._trouble: str | None = None
        # A daemon: at exit nobody waits for a host that hangs.
        self._thread = threading.Thread(target=self._run, name=f"tracing-{name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def offer(self, parcels: Iterable[Parcel]) -> None:
        """Never waits for the host, never raises."""
        with self._changed:
            for parcel in parcels:
                self._queue.append(parcel)
                self._bytes += len(parcel.entry)
            self._shorten()
            self._changed.notify()

    def finish(self) -> None:
        """From now on sends what is left, and gives up as soon as the host is away."""
        with self._changed:
            self._stopping = True
            self._changed.notify()

    def join(self, *, within: float) -> None:
        """Waits for the end, `within` seconds at the most; what is left then is dropped and counted."""
        self._thread.join(within)
        with self._changed:
            self.figures["dropped"] += self.waiting
            self._queue.clear()
        if self.figures["dropped"]:
            log.warning("traces_dropped", tracer=self.name, records=self.figures["dropped"])

    @property
    def waiting(self) -> int:
        """Records that the host has not taken yet."""
        return len(self._queue) + self._in_hand

    def _run(self) -> None:
        try:
            self._export_all()
        finally:
            self._tracer.close()

    def _export_all(self) -> None:
        pause = 0.0
        while batch := self._take():
            if self._send(batch):
                pause = 0.0
                continue
            self._put_back(batch)
            if self._stopping:
                return
            pause = min(LONGEST_PAUSE, pause * 2 or 1.0)
            self._rest(pause)

    def _send(self, batch: list[Parcel]) -> bool:
        """False where the host is away."""
        refused = 0
        try:
            self._tracer.export([parcel.read(parcel.entry) for parcel in batch])
        except TracerAway as exc:
            self.figures["failures"] += 1
            self._note(f"away: {exc}")
            return False
        except TracerRefused as exc:
            refused = exc.records
            self._note(f"refused: {exc}")
        except Exception as exc:  # noqa: BLE001 - one strange record must not end the traces of all others
            refused = len(batch)
            self._note(f"broken: {type(exc).__name__}: {exc}")
        else:
            self._note(None)
        self.figures["exported"] += len(batch) - refused
        self.figures["refused"] += refused
        return True

    def _take(self) -> list[Parcel]:
        """The oldest records, as soon as there are any; none once the feed is to stop and is empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._stopping)
            batch: list[Parcel] = []
            size = 0
            while self._queue and len(batch) < BATCH and (not batch or size < BATCH_BYTES):
                batch.append(self._queue.popleft())
                size += len(batch[-1].entry)
            self._bytes -= size
            self._in_hand = len(batch)
            return batch

    def _put_back(self, batch: list[Parcel]) -> None:
        with self._changed:
            self._in_hand = 0
            self._queue.extendleft(reversed(batch))
            self._bytes += sum(len(parcel.entry) for parcel in batch)
            self._shorten()

    def _shorten(self) -> None:
        while self._queue and (len(self._queue) > self._bound or self._bytes > self._bound_bytes):
            self._bytes -= len(self._queue.popleft().entry)
            self.figures["dropped"] += 1

    def _rest(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._stopping, timeout=seconds)

    def _note(self, trouble: str | None) -> None:
        """Once for each change: a dead host must not fill the log."""
        if trouble and trouble != self._trouble:
            log.warning("tracer_trouble", tracer=self.name, error=trouble[:300])
        if self._trouble and not trouble:
            log.info("tracer_recovered", tracer=self.name)
        self._trouble = trouble
