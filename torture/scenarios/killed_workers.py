"""Workers are killed in the middle of everything: what they held is free again, no finished call is lost."""

import asyncio
import itertools
import random
import signal
import time
from contextlib import suppress

import psutil

from torture.driver import DOORS, Ask, Driver, Told, driving
from torture.ledger import each_once
from torture.load import shown, until, users, verdicts
from torture.rows import Figures
from torture.system import System

FREE_WITHIN = 12.0
"""Seconds after the last kill: a lease lasts 10."""
CAP = 120
"""More than all callers together hold by the kills of 10 s, however soon workers come back."""


async def workers_are_killed(system: System, *, kills: int = 50, callers: int = 16) -> Figures:
    """SIGKILL again and again: no false end, no stuck lease, each answered call once in the ledger."""
    (key,) = await system.new_keys(
        {
            "project": "killed",
            "concurrent_requests": CAP,
            "daily_budget_usd": "1000",
            "tokens_per_minute": 10**9,
        }
    )
    done = asyncio.Event()
    async with driving(system.stack.url, reuse=False) as driver:
        calls = asyncio.create_task(_call_until(done, driver, key, callers))
        await _kill(system, kills)
        done.set()
        told = await calls
        killed_at = time.monotonic()
        broken = [one for one in told if one.broken]
        wrong = [one for one in told if not one.ok and not one.broken]
        assert not wrong, f"told wrongly: {verdicts(wrong)}: {shown(wrong)}"
        answered = [one.ask.request_id for one in told if one.ok and one.ask.door != "ws"]
        assert answered, "nobody was answered"
        await each_once(system, answered, within=60)
        await until("two workers", lambda: len(system.workers()) == 2, within=30)
        await asyncio.sleep(max(0.0, FREE_WITHIN - (time.monotonic() - killed_at)))
        again = await asyncio.gather(
            *(
                driver.ask(Ask(text=f"Say: full house {n} [[fault:latency ms=2000]]", key=key))
                for n in range(CAP)
            )
        )
    refused = [one for one in again if not one.ok]
    assert not refused, f"leases are stuck: {len(refused)} of {CAP} refused: {shown(refused)}"
    await until("nothing held", lambda: not _held(system), within=5)
    doubled = await asyncio.to_thread(_doubled, system)
    assert not doubled, f"calls that are twice in the ledger: {doubled}"
    return {"kills": kills, "answered": len(answered), "broken": len(broken), "stuck": 0, "lost": 0}


async def _call_until(done: asyncio.Event, driver: Driver, key: str, callers: int) -> list[Told]:
    calls = itertools.count()

    async def once(user: int, turn: int) -> Told | None:
        if done.is_set():
            await asyncio.sleep(0.05)
            return None
        ask = Ask(
            text=f"Say: {(number := next(calls)) // 4} killed or not and so on and so forth",
            door=DOORS[(user + turn) % len(DOORS)],
            key=key,
            request_id=f"killed-{number}",
        )
        return await driver.ask(ask, timeout=30)

    told: list[Told] = []
    while not done.is_set():
        told += [one for one in await users(callers, 1.0, once) if one is not None]
    return told


async def _kill(system: System, kills: int) -> None:
    """One of two workers at a time, wherever it is in its life."""
    chance = random.Random(50)  # noqa: S311 - a repeatable order
    for _ in range(kills):
        await until("two workers", lambda: len(system.workers()) == 2, within=30)
        await asyncio.sleep(chance.uniform(0.5, 2.0))
        with suppress(psutil.NoSuchProcess, IndexError):
            chance.choice(system.workers()).send_signal(signal.SIGKILL)


def _doubled(system: System) -> list[tuple[object, ...]]:
    query = (
        "SELECT request_id, count(*) FROM gateway_app_call WHERE project_name = 'killed' "
        "GROUP BY 1 HAVING count(*) > 1 LIMIT 5"
    )
    return system.query(query)


def _held(system: System) -> list[str]:
    """Locks, leases and reservations that nobody can hold any more."""
    with system.redis_client() as redis:
        held = [name.decode() for name in redis.scan_iter(match="gw:flight:*", count=1000)]
        held = [name for name in held if redis.type(name) == b"string"]
        for pattern in ("gw:limit:*:leases", "gw:limit:*:held"):
            held += [name.decode() for name in redis.scan_iter(match=pattern, count=1000)]
    return held
