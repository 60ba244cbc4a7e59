"""Where replies, locks and limits are kept in Redis, there is something else."""

import asyncio
import pickle
from collections.abc import Callable, Mapping

import msgspec
from redis import Redis

from torture.driver import Ask, Driver, driving
from torture.load import failures, shown
from torture.rows import Figures
from torture.system import System

Damage = Callable[[Redis, str], object]
TRIES = 20
GOOD = {"completion": {}, "stored_at": 0.0, "cost_usd": None}

DAMAGES: Mapping[str, Damage] = {
    "empty": lambda redis, name: redis.set(name, b""),
    "cut short": lambda redis, name: redis.set(name, (redis.get(name) or b"")[:40]),
    "not UTF-8": lambda redis, name: redis.set(name, b'{"completion":{"text":"\xff\xfe"}}'),
    "pickle": lambda redis, name: redis.set(name, pickle.dumps({"completion": "x"})),
    "foreign JSON": lambda redis, name: redis.set(name, b'{"hello":"world"}'),
    "an old form": lambda redis, name: redis.set(name, msgspec.json.encode(GOOD)),
    "a number": lambda redis, name: redis.set(name, 7),
    "null": lambda redis, name: redis.set(name, b"null"),
    "deep JSON": lambda redis, name: redis.set(name, b"[" * 100_000),
    "5 MB": lambda redis, name: redis.set(name, b"x" * 5_000_000),
    "NaN": lambda redis, name: redis.set(name, b'{"completion":{},"stored_at":NaN,"cost_usd":null}'),
    "a list": lambda redis, name: redis.delete(name) and redis.lpush(name, "x"),
    "a hash": lambda redis, name: redis.delete(name) and redis.hset(name, "a", "b"),
    "a set": lambda redis, name: redis.delete(name) and redis.sadd(name, "x"),
    "a stream": lambda redis, name: redis.delete(name) and redis.xadd(name, {"chunk": "x"}),
}


async def replies_are_damaged(system: System, *, rounds: int = 20) -> Figures:
    """An unreadable entry is a miss: asked of the vendor once, and kept anew; limits or no limits."""
    keys = await system.new_keys(
        {"project": "damaged"}, {"project": "damaged-limited", "requests_per_minute": 1_000_000}
    )
    asked = 0
    await asyncio.to_thread(_forget, system)
    async with driving(system.stack.url) as driver:
        for key in keys:
            for number, damage in enumerate(DAMAGES.values()):
                asks = [Ask(text=f"Say: {number} {turn} damaged", key=key) for turn in range(rounds)]
                assert await _kept(driver, asks), "replies are not kept"
                await asyncio.to_thread(_spoil, system, damage, rounds)
                await asyncio.to_thread(system.simulator.reset_stats)
                again = await asyncio.gather(*map(driver.ask, asks))
                assert not failures(again), f"{list(DAMAGES)[number]}: {shown(failures(again))}"
                calls = (await asyncio.to_thread(system.simulator.stats)).calls
                assert calls == rounds, f"{list(DAMAGES)[number]}: {calls} calls to the vendor for {rounds}"
                assert await _kept(driver, asks), f"{list(DAMAGES)[number]}: not kept anew"
                await asyncio.to_thread(_forget, system)
                asked += rounds
    return {"kinds": len(DAMAGES), "spoilt replies": asked, "failed": 0}


async def what_is_ours_is_something_else(system: System) -> Figures:
    """Limits, leases and locks under keys that hold another type: an answer or a clear refusal, no 500."""
    key, plain = await system.new_keys(
        {"project": "foreign", "requests_per_minute": 1_000_000, "concurrent_requests": 100},
        {"project": "foreign-plain"},
    )
    async with driving(system.stack.url) as driver:
        first = await driver.ask(Ask(text="Say: first", key=key))
        assert first.ok, str(first)
        spoilt = await asyncio.to_thread(_spoil_limits, system)
        told = [await driver.ask(Ask(text=f"Say: after {number}", key=key)) for number in range(10)]
        others = [await driver.ask(Ask(text=f"Say: other {number}", key=plain)) for number in range(10)]
    assert not failures(others), f"others were disturbed: {shown(failures(others))}"
    assert all(one.status in (200, 503) for one in told), shown(failures(told))
    await asyncio.to_thread(_forget_limits, system)
    return {"spoilt keys": spoilt, "answered": sum(one.ok for one in told), "refused": len(failures(told))}


async def _kept(driver: Driver, asks: list[Ask]) -> bool:
    """Whether all come from the cache soon: a reply is kept just after it was given."""
    for _ in range(TRIES):
        told = await asyncio.gather(*map(driver.ask, asks))
        if all(one.cache == "HIT" for one in told):
            return True
        await asyncio.sleep(0.1)
    return False


def _spoil(system: System, damage: Damage, expected: int) -> None:
    with system.redis_client() as redis:
        names = [name.decode() for name in redis.scan_iter(match="gw:1:*", count=1000)]
        assert len(names) == expected, f"{len(names)} entries for {expected} replies"
        for name in names:
            damage(redis, name)


def _forget(system: System) -> None:
    with system.redis_client() as redis:
        for name in redis.scan_iter(match="gw:1:*", count=1000):
            redis.delete(name)


def _spoil_limits(system: System) -> int:
    with system.redis_client() as redis:
        names = list(redis.scan_iter(match="gw:limit:*", count=1000))
        for name in names:
            redis.delete(name)
            redis.lpush(name, "foreign")
        return len(names)


def _forget_limits(system: System) -> None:
    with system.redis_client() as redis:
        for name in redis.scan_iter(match="gw:limit:*", count=1000):
            redis.delete(name)
