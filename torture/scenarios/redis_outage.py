"""Redis hangs, dies, is full, or holds what nobody can read; calls go on."""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

from torture.driver import DOORS, Ask, Driver, Told, driving
from torture.ledger import each_once
from torture.load import failures, p99, shown, users, verdicts
from torture.rows import Figures
from torture.system import System
from torture.vitals import vitals

ADDED = 0.25
"""Seconds of p99."""
GROWTH = 1.5
"""Times the memory before."""
LOG_BYTES = 5_000
"""For each request."""
BACK_WITHIN = 5.0


@dataclass(frozen=True, slots=True)
class Outage:
    """What happens to Redis, and how it comes back."""

    begin: Callable[[System], None]
    end: Callable[[System], None]


def _stop(system: System) -> None:
    os.kill(_pid(system), signal.SIGSTOP)


def _continue(system: System) -> None:
    os.kill(_pid(system), signal.SIGCONT)


def _pid(system: System) -> int:
    assert system.redis.child.pid, "Redis was never started"
    return system.redis.child.pid


async def hangs(system: System, *, seconds: float = 60.0, callers: int = 50) -> Figures:
    """Stopped by SIGSTOP under load: nobody notices more than a quarter of a second."""
    return await _outage(system, Outage(_stop, _continue), "hangs", seconds=seconds, callers=callers)


async def dies(system: System, *, seconds: float = 15.0, callers: int = 50) -> Figures:
    """Killed under load, and started again."""
    outage = Outage(lambda system: system.redis.child.kill(), lambda system: system.redis.child.start())
    return await _outage(system, outage, "dies", seconds=seconds, callers=callers)


async def link_hangs(system: System, *, seconds: float = 10.0, callers: int = 50) -> Figures:
    """Its connections stay open and are silent; new ones are accepted and silent too."""
    outage = Outage(lambda system: system.fault("redis", "hang"), lambda system: system.fault("redis"))
    return await _outage(system, outage, "link", seconds=seconds, callers=callers)


async def is_full(system: System, *, seconds: float = 10.0, callers: int = 20) -> Figures:
    """At its maxmemory, evicting nothing: what is cached is still served, and calls go on."""

    def fill(system: System) -> None:
        with system.redis_client() as redis:
            redis.config_set("maxmemory-policy", "noeviction")
            redis.config_set("maxmemory", "1")

    def empty(system: System) -> None:
        with system.redis_client() as redis:
            redis.config_set("maxmemory", "256mb")
            redis.config_set("maxmemory-policy", "volatile-lru")

    return await _outage(system, Outage(fill, empty), "full", seconds=seconds, callers=callers)


async def _outage(system: System, outage: Outage, name: str, *, seconds: float, callers: int) -> Figures:
    project = f"redis-{name}"
    (key,) = await system.new_keys({"project": project, "requests_per_minute": 1_000_000})
    async with driving(system.stack.url) as driver:
        before = await _load(driver, key, f"{name}-before", callers=callers, seconds=max(5.0, seconds / 6))
        was = await asyncio.to_thread(vitals, system)
        await asyncio.to_thread(outage.begin, system)
        try:
            during = await _load(driver, key, f"{name}-during", callers=callers, seconds=seconds)
            now = await asyncio.to_thread(vitals, system)
        finally:
            await asyncio.to_thread(outage.end, system)
        back = await _back(driver, key, name)
    both = before + during
    assert not failures(both), f"{verdicts(failures(both))}: {shown(failures(both))}"
    added = p99(during) - p99(before)
    assert added <= ADDED, f"p99 {p99(before):.3f} s before, {p99(during):.3f} s during"
    assert now.rss <= was.rss * GROWTH, f"memory {was.rss / 1e6:.0f} MB before, {now.rss / 1e6:.0f} MB after"
    log = (now.log - was.log) / len(during)
    assert log <= LOG_BYTES, f"{log:.0f} bytes of log for each request"
    rows = await each_once(system, [one.ask.request_id for one in both if one.ask.door != "ws"])
    return {
        "requests": len(during),
        "failed": 0,
        "p99 added, ms": added * 1000,
        "memory": f"x {now.rss / was.rss:.2f}",
        "log bytes a request": round(log),
        "normal again after, s": back,
        "rows": rows,
    }


async def _load(driver: Driver, key: str, prefix: str, *, callers: int, seconds: float) -> list[Told]:
    """Callers who wait a little between their calls, as people do; half of what they ask was asked before."""

    async def once(user: int, turn: int) -> Told:
        number = turn if turn % 2 else turn // 10
        ask = Ask(
            text=f"Say: {prefix} {user % 5} {number} and some more words",
            door=DOORS[(user + turn) % len(DOORS)],
            key=key,
            request_id=f"{prefix}-{user}-{turn}",
        )
        told = await driver.ask(ask)
        await asyncio.sleep(0.5)
        return told

    return await users(callers, seconds, once)


async def _back(driver: Driver, key: str, name: str) -> float:
    """Seconds until the cache answers again."""
    began = time.monotonic()
    for number in range(1000):
        ask = Ask(text=f"Say: {name} again {number // 2}", key=key)
        if (await driver.ask(ask)).cache == "HIT":
            break
        assert time.monotonic() - began < BACK_WITHIN, "not normal again within 5 s"
        await asyncio.sleep(0.05)
    return time.monotonic() - began
