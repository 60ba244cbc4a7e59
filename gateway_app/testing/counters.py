"""How many calls and streams came, run and ended, and how."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

import msgspec
from msgspec.structs import replace

from gateway_app.testing.request_log import Received, RequestLog

Outcome = Literal["finished", "cancelled", "broken"]


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """A point in time on two clocks; the monotonic one is common to all processes of a machine."""

    monotonic: float
    """Seconds."""
    wall_ms: float

    @classmethod
    def now(cls) -> "Moment":
        return cls(monotonic=time.monotonic(), wall_ms=time.time() * 1000)


class StreamTimes(msgspec.Struct, frozen=True, kw_only=True):
    """When the first two chunks of a stream were about to leave."""

    first_chunk: Moment | None = None
    second_chunk: Moment | None = None


class Stats(msgspec.Struct, frozen=True, kw_only=True):
    calls: int
    by_method: dict[str, int]
    in_flight: int
    calls_cancelled: int
    """Calls whose client left before the end, streams included."""
    streams_opened: int
    """Always those open, finished, cancelled and broken together."""
    streams_open: int
    streams_finished: int
    streams_cancelled: int
    streams_broken: int
    """Ended by the simulator itself: cut or reset."""
    chunks_sent: int
    last_stream: StreamTimes
    last_request: Received | None


@dataclass(slots=True, eq=False)
class CallProgress:
    """One call, from its first fault to its last byte."""

    stream: bool
    outcome: Outcome | None = None
    """None while it runs."""
    chunks: int = 0
    times: StreamTimes = field(default_factory=StreamTimes)

    def sending_chunk(self) -> None:
        """The next chunk is about to leave."""
        self.chunks += 1
        if self.chunks == 1:
            self.times = StreamTimes(first_chunk=Moment.now())
        elif self.chunks == 2:
            self.times = replace(self.times, second_chunk=Moment.now())


class Counters:
    """Counts calls as they come, run and end. One event loop owns it."""

    def __init__(self) -> None:
        self.requests = RequestLog()
        self.reset()

    def reset(self) -> None:
        """Begins anew; a call that is under way is counted no more."""
        self.requests.clear()
        self._by_method: Counter[str] = Counter()
        self._calls: Counter[Outcome] = Counter()
        self._streams: Counter[Outcome] = Counter()
        self._running: set[CallProgress] = set()
        self._chunks = 0
        self._last_stream = CallProgress(stream=True)

    def arrived(self, request: Received, body: bytes) -> None:
        self._by_method[request.method] += 1
        self.requests.add(request, body)

    @contextmanager
    def running(self, *, stream: bool) -> Iterator[CallProgress]:
        """Follows a call to its end. A client that leaves shows as a cancelled handler or a failed write."""
        progress = CallProgress(stream=stream)
        self._running.add(progress)
        self._last_stream = progress if stream else self._last_stream
        try:
            yield progress
        except (asyncio.CancelledError, ConnectionError):
            progress.outcome = "cancelled"
            raise
        finally:
            self._ended(progress)

    def _ended(self, progress: CallProgress) -> None:
        if progress not in self._running:
            return
        self._running.remove(progress)
        outcome = progress.outcome or "finished"
        self._calls[outcome] += 1
        if progress.stream:
            self._streams[outcome] += 1
            self._chunks += progress.chunks

    def stats(self) -> Stats:
        streams = [progress for progress in self._running if progress.stream]
        return Stats(
            calls=self._by_method.total(),
            by_method=dict(self._by_method),
            in_flight=len(self._running),
            calls_cancelled=self._calls["cancelled"],
            streams_opened=len(streams) + self._streams.total(),
            streams_open=len(streams),
            streams_finished=self._streams["finished"],
            streams_cancelled=self._streams["cancelled"],
            streams_broken=self._streams["broken"],
            chunks_sent=self._chunks + sum(progress.chunks for progress in streams),
            last_stream=self._last_stream.times,
            last_request=next(iter(self.requests.last(1)), None),
        )
