"""Mixed load for a long time: what the workers hold stays what it was."""

import asyncio
import random
import time
from collections.abc import Callable
from contextlib import suppress

from torture.driver import DOORS, Ask, Driver, Told, driving
from torture.load import p99, percentile, shown, users, verdicts
from torture.rows import Figures
from torture.system import System
from torture.vitals import Vitals, vitals

WARM = 0.3
"""Of the time, before which growth is expected."""
GROWTH = 1.10
MORE = 1.05
SLACK = 6
"""Handles, connections, threads and tasks that come and go with the load of a moment."""


async def stays_flat(system: System, *, seconds: float = 90.0, callers: int = 20) -> Figures:
    """Memory, file handles, connections, threads and tasks are flat under mixed load."""
    (key,) = await system.new_keys({"project": "soak", "concurrent_requests": 1000})
    looks: list[Vitals] = []
    done = asyncio.Event()
    watch = asyncio.create_task(_watch(system, looks, done, every=max(2.0, seconds / 60)))
    async with driving(system.stack.url) as driver:
        began = time.monotonic()
        told = await users(callers, seconds, _caller(driver, key))
        seconds = time.monotonic() - began
    done.set()
    await watch
    odd = [one for one in told if one is not None and one.ask.stay is None and not _expected(one)]
    assert not odd, f"{verdicts(odd)}: {shown(odd)}"
    warm = looks[int(len(looks) * WARM) :]
    half = len(warm) // 2
    first, last = warm[:half], warm[half:]
    _flat("memory", first, last, lambda look: look.rss, GROWTH)
    _flat("file handles", first, last, lambda look: look.files, MORE)
    _flat("connections", first, last, lambda look: look.connections, MORE)
    _flat("threads", first, last, lambda look: look.threads, MORE)
    _flat("tasks", first, last, lambda look: look.tasks, MORE)
    whole = [one for one in told if one is not None and one.ok]
    return {
        "calls": len(told),
        "calls/s": round(len(told) / seconds),
        "p99, ms": p99(whole) * 1000,
        "first": str(first[0]),
        "last": str(last[-1]),
    }


def _caller(driver: Driver, key: str) -> Callable[[int, int], asyncio.Future[Told | None]]:
    chance = random.Random(30)  # noqa: S311 - a repeatable mixture

    async def once(user: int, turn: int) -> Told | None:
        fate, text = chance.random(), f"Say: {chance.randrange(3000)} of the sea and its many boats"
        if fate > 0.97:
            text += f" [[fault:{chance.choice(('500', '429', 'cut after=1', 'malformed'))}]]"
        ask = Ask(text=text, door=chance.choice(DOORS), key=key, stay=1 if fate < 0.1 else None)
        call = asyncio.create_task(driver.ask(ask))
        if fate < 0.05:
            await asyncio.wait([call], timeout=chance.uniform(0, 0.1))
            call.cancel()
        with suppress(asyncio.CancelledError):
            return await call
        return None

    return lambda user, turn: asyncio.ensure_future(once(user, turn))


def _expected(told: Told) -> bool:
    """Well, or told of the fault that it asked for."""
    return told.ok or ("[[fault:" in told.ask.text and told.code is not None)


async def _watch(system: System, looks: list[Vitals], done: asyncio.Event, *, every: float) -> None:
    while not done.is_set():
        looks.append(await asyncio.to_thread(vitals, system))
        await asyncio.wait([asyncio.create_task(done.wait())], timeout=every)


def _flat(
    what: str, first: list[Vitals], last: list[Vitals], take: Callable[[Vitals], int], growth: float
) -> None:
    was, now = (percentile(map(take, looks), 50) for looks in (first, last))
    assert now <= was * growth + SLACK, f"{what} grew from {was:,} to {now:,}"
