"""A thousand calls at once against a limit: exactly as many as it allows are admitted, over both workers."""

import asyncio
from typing import Any

from torture.driver import Ask, Door, Told, driving
from torture.load import shown, until, verdicts
from torture.rows import Figures
from torture.system import System

DOORS: tuple[Door, ...] = ("rest", "sse", "v1", "v1_stream")
HOLD = "[[fault:latency ms={ms}]]"


async def requests_a_minute(system: System, *, requests: int = 1000, limit: int = 137) -> Figures:
    """A limit of requests a minute."""
    told = await _all_at_once(system, "rate", requests, hold=0, requests_per_minute=limit)
    return _admitted(told, limit)


async def requests_at_once(system: System, *, requests: int = 1000, limit: int = 23) -> Figures:
    """A limit of requests at the same time, and all of it free again afterwards."""
    told = await _all_at_once(system, "concurrency", requests, hold=3500, concurrent_requests=limit)
    await asyncio.to_thread(_nothing_held, system)
    return _admitted(told, limit)


async def a_budget(system: System, *, requests: int = 1000) -> Figures:
    """A budget: what it covers is admitted while nothing is settled yet, and it is never overshot."""
    cents = 5
    project = "budget"
    (key,) = await system.new_keys({"project": project, "daily_budget_usd": f"0.{cents:02}"})
    calls = asyncio.create_task(_ask_all(system, key, requests, hold=3500, doors=DOORS[:2]))
    await until("reservations", lambda: _reservations(system), within=15, every=0.05)
    reserved = await asyncio.to_thread(_reservations, system)
    told = await calls
    each = max(reserved)
    assert len(set(reserved)) == 1, f"calls of one size reserve different sums: {sorted(set(reserved))}"
    figures = _admitted(told, cents * 10_000_000 // each)
    query = "SELECT coalesce(sum(cost_usd), 0) FROM gateway_app_call WHERE project_name = 'budget'"
    await asyncio.sleep(2)
    spent = (await asyncio.to_thread(system.query, query))[0][0]
    assert spent * 100 <= cents, f"spent {spent} of {cents} cents"
    await asyncio.to_thread(_nothing_held, system)
    return {**figures, "spent, USD": float(spent)}


async def _all_at_once(system: System, name: str, requests: int, *, hold: int, **limits: Any) -> list[Told]:
    (key,) = await system.new_keys({"project": name, **limits})
    return await _ask_all(system, key, requests, hold=hold)


async def _ask_all(
    system: System, key: str, requests: int, *, hold: int, doors: tuple[Door, ...] = DOORS
) -> list[Told]:
    held = HOLD.format(ms=hold) if hold else ""
    async with driving(system.stack.url, reuse=False) as driver:
        asks = [
            Ask(text=f"Say: {number:05} of a thousand {held}", door=doors[number % len(doors)], key=key)
            for number in range(requests)
        ]
        return await asyncio.gather(*map(driver.ask, asks))


def _admitted(told: list[Told], limit: int) -> Figures:
    admitted = [one for one in told if one.ok]
    refused = [one for one in told if not one.ok]
    odd = [one for one in refused if one.status not in (402, 429)]
    assert not odd, f"{verdicts(odd)}: {shown(odd)}"
    assert len(admitted) == limit, f"{len(admitted)} admitted, {limit} allowed"
    return {"asked": len(told), "allowed": limit, "admitted": len(admitted)}


def _reservations(system: System) -> list[int]:
    """Nano-dollars that calls under way hold."""
    with system.redis_client() as redis:
        hashes = [redis.hgetall(name) for name in redis.scan_iter(match="gw:limit:*:held", count=1000)]
    return [int(held.split()[-1]) for each in hashes for held in each.values()]


def _nothing_held(system: System) -> None:
    with system.redis_client() as redis:
        left = [redis.zcard(name) for name in redis.scan_iter(match="gw:limit:*:leases", count=1000)]
    assert not sum(left), f"{sum(left)} leases are left"
