"""Who is admitted gets the lock of the flight he needs, in the same round trip; nothing stays locked."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime

import pytest
import redis as sync_redis

from gateway_app import flight_share
from gateway_app.admission import Admission, Admitted
from gateway_app.flights import Flights
from gateway_app.ids import uuid7
from gateway_app.limits import Claim, Limits, Lock
from gateway_app.redis_mux import RedisMux
from gateway_app.requests import Caller
from gateway_app.tests import test_coalescing as coalescing
from llmgateway import embedded

WANTED = Claim(tokens=10, nano_dollars=0)


async def _nothing_spent(key: str, now: datetime) -> tuple[int, int]:
    return 0, 0


@pytest.fixture
async def admission(redis_server: embedded.Server) -> AsyncIterator[Admission]:
    connection = RedisMux(redis_server.url)
    door = Admission(connection, spent=_nothing_spent, workers=1)
    await door.start()
    yield door
    await door.stop()
    await connection.close()


async def admit(door: Admission, lock: Lock, *, concurrent: int = 100, reply_key: str = "") -> Admitted:
    limits = Limits(requests_per_minute=100, concurrent_requests=concurrent)
    caller = Caller(project_id=1, project="p", key_id="k" * 12, limits=limits)
    return await door.admit(caller, uuid7(), WANTED, reply_key=reply_key, lock=lock)


def lock_of(flights: Flights, key: str = "k") -> Lock:
    lock = flights.lock(key)
    assert lock, "no flight is under way here"
    return lock


async def leads_soon(door: Admission, flights: Flights) -> bool:
    """Nobody waits for a release, so it is not there at once."""
    for _ in range(20):
        if (await admit(door, lock_of(flights))).leads:
            return True
        await asyncio.sleep(0.02)
    return False


async def test_the_first_who_is_admitted_leads(admission: Admission, workers: list[Flights]) -> None:
    locks = [lock_of(flights) for flights in workers]
    assert [(await admit(admission, lock)).leads for lock in locks] == [True, False]
    await workers[0]._share._redis.connect()
    workers[0].release(locks[0])
    assert await leads_soon(admission, workers[1])


async def test_a_kept_reply_needs_no_lock(
    admission: Admission, workers: list[Flights], redis_server: embedded.Server
) -> None:
    with sync_redis.Redis.from_url(redis_server.url) as client:
        client.set("reply", b"kept")
        assert (await admit(admission, lock_of(workers[0]), reply_key="reply")).reply == b"kept"
        assert not client.exists(lock_of(workers[0]).name)


async def test_a_leader_with_the_lock_asks_and_those_elsewhere_hear_him(
    admission: Admission, workers: list[Flights]
) -> None:
    vendor = coalescing.Vendor()
    lock = lock_of(workers[0])
    await admit(admission, lock)
    leader = coalescing.Caller(workers[0], vendor, got=lock)
    texts = await asyncio.gather(leader.ask(), coalescing.Caller(workers[1], vendor).ask())
    assert texts == [coalescing.TEXT] * 2
    assert vendor.calls == 1
    assert await leads_soon(admission, workers[1])


async def test_a_lock_that_is_not_needed_is_given_back(admission: Admission, workers: list[Flights]) -> None:
    lock = lock_of(workers[0])
    async with asyncio.TaskGroup() as asking:
        for got in (None, lock):
            await admit(admission, lock)
            asking.create_task(coalescing.Caller(workers[0], coalescing.Vendor(), got=got).ask())
            await asyncio.sleep(0)
    assert await leads_soon(admission, workers[1])


async def test_a_lock_lasts_as_long_as_its_flight(
    admission: Admission, workers: list[Flights], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flight_share, "LOCK_MS", 800)
    lock = lock_of(workers[0])
    await admit(admission, lock)
    flight = coalescing.Caller(workers[0], coalescing.Vendor(pause=0.2), got=lock)
    under_way = asyncio.create_task(flight.ask())
    await asyncio.sleep(1.7)
    assert not (await admit(admission, lock_of(workers[1]))).leads
    await under_way


async def test_whoever_leaves_while_he_is_admitted_holds_nothing(admission: Admission) -> None:
    lock = Lock(name="gw:flight:{k}", token="mine", milliseconds=3000)
    first = await admit(admission, lock, concurrent=1)
    assert first.lease
    admission.settle(first.lease, tokens=0, nano_dollars=0)
    await asyncio.sleep(0.1)  # Redis has the scripts now
    leaving = asyncio.create_task(admit(admission, lock, concurrent=1))
    await asyncio.sleep(0)  # it has been asked, and not answered
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    await admit(admission, lock, concurrent=1)
