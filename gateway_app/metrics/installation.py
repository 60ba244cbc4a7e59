"""What Redis knows of the whole installation, asked at the scrape: the ledger's stream, tracers and tasks."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from redis.asyncio import Redis
from redis.exceptions import RedisError

from gateway_app.ledger import STREAM
from gateway_app.ledger_worker import POISON
from gateway_app.ticking import TICKED, silent
from gateway_app.tracing.exporting import FIGURES

PATIENCE = 0.5
"""Seconds that Redis has to connect, and to answer."""
SHARED = "; of the whole installation, told by each of its servers: take the max of them, not the sum"


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """`redis_up` is false where the rest is not known."""

    redis_up: bool
    backlog: int = 0
    """Ledger entries that are not in Postgres yet."""
    lag: float = 0.0
    """Seconds since the oldest of them came."""
    poison: int = 0
    tasks_silent: float = 0.0
    """Seconds since a task worker last did what the clock asked for."""
    tracers: dict[str, int] = field(default_factory=dict)
    """`<tracer>:<figure>` -> count."""


async def look(redis_url: str) -> Installation:
    """Takes about `PATIENCE` at the most; never raises for an absent Redis."""
    client = Redis.from_url(redis_url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE, retry=None)
    try:
        async with client, client.pipeline(transaction=False) as pipe:
            pipe.xlen(STREAM)
            pipe.xrange(STREAM, count=1)
            pipe.xlen(POISON)
            pipe.hgetall(FIGURES)
            pipe.get(TICKED)
            backlog, oldest, poison, tracers, ticked = await pipe.execute()
    except (RedisError, OSError, TimeoutError):
        return Installation(redis_up=False)
    return Installation(
        redis_up=True,
        backlog=backlog,
        lag=_age(oldest[0][0]) if oldest else 0.0,
        poison=poison,
        tasks_silent=silent(ticked),
        tracers={name.decode(): int(count) for name, count in tracers.items()},
    )


def _age(entry_id: bytes) -> float:
    """An entry's id begins with the milliseconds since 1970 at which it came."""
    return max(0.0, time.time() - int(entry_id.partition(b"-")[0]) / 1000)


class InstallationCollector(Collector):
    """One look as Prometheus' families."""

    def __init__(self, found: Installation) -> None:
        self._found = found

    def collect(self) -> Iterable[Metric]:
        found = self._found
        yield _gauge("gateway_redis_up", "1 where Redis answered this scrape, else 0", found.redis_up)
        if not found.redis_up:
            return
        yield _gauge("gateway_ledger_backlog_entries", f"Not in Postgres yet{SHARED}", found.backlog)
        yield _gauge("gateway_ledger_lag_seconds", f"Age of the oldest of the backlog{SHARED}", found.lag)
        yield _gauge("gateway_ledger_poison_entries", f"Set aside as unreadable{SHARED}", found.poison)
        yield _gauge(
            "gateway_tasks_silent_seconds", f"Since a task was last done{SHARED}", found.tasks_silent
        )
        yield from self._tracers()

    def _tracers(self) -> Iterable[Metric]:
        records = CounterMetricFamily(
            "gateway_tracer_records",
            f"By fate: exported, refused, dropped{SHARED}",
            labels=("tracer", "fate"),
        )
        failures = CounterMetricFamily(
            "gateway_tracer_failures", f"Tries that found the host away{SHARED}", labels=("tracer",)
        )
        for name, count in sorted(self._found.tracers.items()):
            tracer, _, figure = name.partition(":")
            if figure == "failures":
                failures.add_metric((tracer,), count)
            else:
                records.add_metric((tracer, figure), count)
        yield from (records, failures)


def _gauge(name: str, documentation: str, value: Any) -> Metric:
    return GaugeMetricFamily(name, documentation, value=float(value))
