"""All tracers of a process together: what the ledger worker talks to."""

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence

import redis
from redis.exceptions import RedisError

from gateway_app.tracing.base import Tracer
from gateway_app.tracing.feed import Feed, Parcel
from gateway_app.tracing.records import read_call, read_score
from gateway_app.tracing.scores import take_scores

FIGURES = "gw:tracing"
"""A hash: `<tracer>:<figure>` -> count since ever, of all processes, for `/metrics`."""
TICK = 1.0
"""Seconds between two looks at the scores that came."""
STOP_WITHIN = 1.5


class Exporting:
    """A context in which `offer` takes ledger entries to every tracer, and scores come from Redis."""

    def __init__(self, tracers: Mapping[str, Tracer], *, redis_url: str) -> None:
        self._feeds = [Feed(name, tracer) for name, tracer in tracers.items()]
        self._redis = redis.Redis.from_url(
            redis_url, socket_timeout=1.0, socket_connect_timeout=1.0, retry=None
        )
        self._told: Counter[str] = Counter()
        self._stopping = threading.Event()
        self._errands = threading.Thread(target=self._run_errands, name="tracing-errands", daemon=True)

    def offer(self, entries: Sequence[bytes]) -> None:
        """Never waits, never raises."""
        for feed in self._feeds:
            feed.offer(Parcel(entry, read_call) for entry in entries)

    def __enter__(self) -> "Exporting":
        if self._feeds:
            self._errands.start()
        for feed in self._feeds:
            feed.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Returns within about `STOP_WITHIN` seconds, whatever the hosts do."""
        self._stopping.set()
        deadline = time.monotonic() + STOP_WITHIN
        for feed in self._feeds:
            feed.finish()
        for feed in self._feeds:
            feed.join(within=max(0.0, deadline - time.monotonic()))
        if self._feeds:
            self._errands.join(TICK)
            with contextlib.suppress(RedisError):
                self._tell()
        self._redis.close()

    def _run_errands(self) -> None:
        while not self._stopping.wait(TICK):
            # Without Redis no scores come, and the figures are told later.
            with contextlib.suppress(RedisError):
                self._tell()
                scores = take_scores(self._redis)
                for feed in self._feeds:
                    feed.offer(Parcel(entry, read_score) for entry in scores)

    def _tell(self) -> None:
        """Adds to the shared figures what ours have grown by."""
        now = Counter({f"{feed.name}:{name}": n for feed in self._feeds for name, n in feed.figures.items()})
        if grown := now - self._told:
            with self._redis.pipeline(transaction=True) as pipe:
                for name, count in grown.items():
                    pipe.hincrby(FIGURES, name, count)
                pipe.execute()
        self._told = now
