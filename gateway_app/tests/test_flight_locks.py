"""Who is admitted gets the lock of the flight he needs, in the same round trip; nothing stays locked."""

import asyncio
from uuid import UUID

import pytest
import redis as sync_redis

from gateway_app import admission as module
from gateway_app import flight_share
from gateway_app.admission import Admission, Admitted
from gateway_app.flights import Flights
from gateway_app.ids import uuid7
from gateway_app.limits import Claim, Limits
from gateway_app.requests import Caller
from gateway_app.tests import test_coalescing as coalescing
from llmgateway import embedded

WANTED = Claim(tokens=10, nano_dollars=0)


async def admit(
    door: Admission, flights: Flights, *, call: UUID | None = None, concurrent: int = 100, reply_key: str = ""
) -> Admitted:
    limits = Limits(requests_per_minute=100, concurrent_requests=concurrent)
    caller = Caller(project_id=1, project="p", key_id="k" * 12, limits=limits)
    return await door.admit(caller, call or uuid7(), WANTED, reply_key=reply_key, lock=flights.lock("k"))


async def leads_soon(door: Admission, flights: Flights) -> bool:
    """Nobody waits for a release, so it is not there at once."""
    for _ in range(20):
        if (await admit(door, flights)).leads:
            return True
        await asyncio.sleep(0.02)
    return False


async def test_the_first_who_is_admitted_leads(admission: Admission, workers: list[Flights]) -> None:
    first = uuid7()
    assert (await admit(admission, workers[0], call=first)).leads
    assert not (await admit(admission, workers[1])).leads
    await workers[0]._share._redis.connect()
    workers[0].release("k", str(uuid7()))
    assert not (await admit(admission, workers[1])).leads, "another call's lock"
    workers[0].release("k", str(first))
    assert await leads_soon(admission, workers[1])


async def test_a_kept_reply_needs_no_lock(
    admission: Admission, workers: list[Flights], redis_server: embedded.Server
) -> None:
    with sync_redis.Redis.from_url(redis_server.url) as client:
        client.set("reply", b"kept")
        assert (await admit(admission, workers[0], reply_key="reply")).reply == b"kept"
        assert not client.exists(workers[0].lock("k"))


async def test_a_leader_with_the_lock_asks_and_those_elsewhere_hear_him(
    admission: Admission, workers: list[Flights]
) -> None:
    vendor, call = coalescing.Vendor(), uuid7()
    await admit(admission, workers[0], call=call)
    leader = coalescing.Caller(workers[0], vendor, leads_as=str(call))
    texts = await asyncio.gather(leader.ask(), coalescing.Caller(workers[1], vendor).ask())
    assert texts == [coalescing.TEXT] * 2
    assert vendor.calls == 1
    assert await leads_soon(admission, workers[1])


async def test_where_a_flight_is_under_way_here_no_lock_is_asked_for(workers: list[Flights]) -> None:
    flying = asyncio.create_task(coalescing.Caller(workers[0], coalescing.Vendor()).ask())
    await asyncio.sleep(0.05)
    assert workers[0].lock("k") == ""
    await flying


async def test_a_lock_that_is_not_needed_is_given_back(admission: Admission, workers: list[Flights]) -> None:
    vendor, call = coalescing.Vendor(), uuid7()
    await workers[0]._share._redis.connect()
    await admit(admission, workers[0], call=call)
    callers = [coalescing.Caller(workers[0], vendor, leads_as=token) for token in ("other", str(call))]
    await asyncio.gather(*(caller.ask() for caller in callers))
    assert vendor.calls == 1
    assert await leads_soon(admission, workers[1])


async def test_a_lock_lasts_as_long_as_its_flight(
    admission: Admission, workers: list[Flights], monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in (flight_share, module):
        monkeypatch.setattr(place, "LOCK_MS", 800)
    call = uuid7()
    await admit(admission, workers[0], call=call)
    flight = coalescing.Caller(workers[0], coalescing.Vendor(pause=0.2), leads_as=str(call))
    under_way = asyncio.create_task(flight.ask())
    await asyncio.sleep(1.7)
    assert not (await admit(admission, workers[1])).leads
    await under_way


async def test_whoever_leaves_while_he_is_admitted_holds_nothing(
    admission: Admission, workers: list[Flights]
) -> None:
    first = await admit(admission, workers[0], concurrent=1)
    assert first.lease
    admission.settle(first.lease, tokens=0, nano_dollars=0)
    await asyncio.sleep(0.1)  # Redis has the scripts now
    leaving = asyncio.create_task(admit(admission, workers[0], concurrent=1))
    await asyncio.sleep(0)  # it has been asked, and not answered
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    await admit(admission, workers[0], concurrent=1)
