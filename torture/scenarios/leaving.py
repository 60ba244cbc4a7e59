"""Clients leave before the first token, in the middle of a stream, and while a whole reply is made."""

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass

from torture.driver import Ask, Door, Driver, driving
from torture.load import until
from torture.rows import Figures
from torture.system import System

ABORTED_WITHIN = 1.0
"""Seconds from the leaving of the last client to the end of the last call to the vendor."""


@dataclass(frozen=True, slots=True)
class Leaving:
    door: Door
    when: str
    fault: str
    """What keeps the vendor busy until then."""
    stay: int | None


WAYS = (
    Leaving("sse", "before the first token", "latency ms=6000", None),
    Leaving("v1_stream", "before the first token", "latency ms=6000", None),
    Leaving("ws", "before the first token", "latency ms=6000", None),
    Leaving("sse", "mid-stream", "chunk_delay ms=2000", 1),
    Leaving("v1_stream", "mid-stream", "chunk_delay ms=2000", 1),
    Leaving("ws", "mid-stream", "chunk_delay ms=2000", 1),
    Leaving("rest", "whole", "latency ms=6000", None),
    Leaving("v1", "whole", "latency ms=6000", None),
)


async def clients_leave(system: System, *, each: int = 200, at_once: int = 50) -> Figures:
    """Every call to the vendor is aborted within 1 s, nothing is cached, and each call has one row."""
    (key,) = await system.new_keys({"project": "leaving"})
    await asyncio.to_thread(system.simulator.reset_stats)
    entries = await asyncio.to_thread(_entries, system)
    slowest = 0.0
    async with driving(system.stack.url, reuse=False) as driver:
        for way in WAYS:
            for start in range(0, each, at_once):
                numbers = range(start, min(start + at_once, each))
                slowest = max(slowest, await _leave_together(system, driver, way, key, numbers))
    asked = each * len(WAYS)
    query = "SELECT outcome, count(*) FROM gateway_app_call WHERE project_name = 'leaving' GROUP BY 1"
    await until("the last row", lambda: sum(count for _, count in system.query(query)) >= asked, within=20)
    outcomes = dict(await asyncio.to_thread(system.query, query))
    assert outcomes == {"cancelled": asked}, f"{asked} calls left {outcomes} in the ledger"
    kept = await asyncio.to_thread(_entries, system) - entries
    assert not kept, f"{kept} replies that nobody heard to their end were cached"
    stats = await asyncio.to_thread(system.simulator.stats)
    assert stats.calls == asked, f"{asked} calls of clients, {stats.calls} to the vendor"
    assert stats.calls_cancelled == asked, (
        f"{stats.calls_cancelled} of {asked} calls to the vendor were aborted"
    )
    return {"left": asked, "slowest abort, s": slowest, "cached": kept, "rows": asked}


async def _leave_together(system: System, driver: Driver, way: Leaving, key: str, numbers: range) -> float:
    """Seconds from the moment when all had left until the vendor had no call under way."""
    calls = [asyncio.create_task(driver.ask(_ask(way, key, number))) for number in numbers]
    if way.stay is None:
        await until(
            "all at the vendor",
            lambda: system.simulator.stats().in_flight >= len(calls),
            within=3.5,
            every=0.05,
        )
        for call in calls:
            call.cancel()
    for call in calls:
        with suppress(asyncio.CancelledError):
            told = await call
            assert told.pieces, f"it left too early: {told}"
    left = time.monotonic()
    await until(
        f"abort, {way}", lambda: system.simulator.stats().in_flight == 0, within=ABORTED_WITHIN, every=0.02
    )
    return time.monotonic() - left


def _ask(way: Leaving, key: str, number: int) -> Ask:
    text = f"Say: {way.door} {way.when} {number} " + "and so on " * 40 + f"[[fault:{way.fault}]]"
    return Ask(text=text, door=way.door, key=key, stay=way.stay)


def _entries(system: System) -> int:
    with system.redis_client() as redis:
        return sum(1 for _ in redis.scan_iter(match="gw:1:*", count=1000))
