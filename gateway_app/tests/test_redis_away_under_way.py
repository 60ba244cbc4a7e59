"""Redis goes away in the middle of something: what it was asked for is done when it is back, and once."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
import redis as sync_redis

from gateway_app import admission as module
from gateway_app import redis_mux
from gateway_app.admission import Admission, Admitted
from gateway_app.flights import Flights
from gateway_app.ids import uuid7
from gateway_app.limits import Claim, Limits
from gateway_app.redis_mux import RedisMux
from gateway_app.requests import Caller
from gateway_app.tests.conftest import until
from gateway_app.tests.test_coalescing import Caller as Reader
from gateway_app.tests.test_coalescing import Vendor
from llmgateway import embedded

WHO = Caller(
    project_id=1, project="p", key_id="k" * 12, limits=Limits(concurrent_requests=5, daily_budget=10_000)
)
BACK = 3.0
"""Seconds within which all is as it should be."""


@pytest.fixture
def client(redis_server: embedded.Server) -> Iterator["sync_redis.Redis[str]"]:
    with sync_redis.Redis.from_url(redis_server.url, decode_responses=True) as opened:
        yield opened


@contextmanager
def stopped(server: embedded.Server) -> Iterator[None]:
    assert server.child.pid
    os.kill(server.child.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.child.pid, signal.SIGCONT)


async def admit(door: Admission, *, lock: str = "") -> Admitted:
    return await door.admit(WHO, uuid7(), Claim(tokens=10, nano_dollars=1_000), reply_key="", lock=lock)


def spent(client: "sync_redis.Redis[str]") -> str | None:
    return client.get(f"gw:limit:{{{WHO.key_id}}}:usd:{datetime.now(UTC).date().isoformat()}")


def leases(client: "sync_redis.Redis[str]") -> int:
    return client.zcard(f"gw:limit:{{{WHO.key_id}}}:leases")


async def test_what_a_call_cost_is_charged_when_redis_is_back(
    admission: Admission, redis_server: embedded.Server, client: "sync_redis.Redis[str]"
) -> None:
    lease = (await admit(admission)).lease
    assert lease
    with stopped(redis_server):
        await asyncio.sleep(0)
        admission.settle(lease, tokens=3, nano_dollars=700)
        await asyncio.sleep(0.5)
    await until(lambda: spent(client) == "700", within=BACK)
    assert leases(client) == 0


async def test_it_is_charged_although_its_lease_has_run_out_meanwhile(
    admission: Admission, client: "sync_redis.Redis[str]", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LEASE", 0.05)
    late = (await admit(admission)).lease
    assert late
    await asyncio.sleep(0.1)
    monkeypatch.undo()
    other = (await admit(admission)).lease
    assert other
    for lease in (late, late, other):
        admission.settle(lease, tokens=3, nano_dollars=700)
    await until(lambda: leases(client) == 0, within=BACK)
    assert spent(client) == "1400"


@pytest.mark.parametrize("name", ["maxmemory", "min-replicas-to-write"])
async def test_a_redis_that_cannot_write_for_a_while_is_told_again(
    admission: Admission, client: "sync_redis.Redis[str]", name: str
) -> None:
    lease = (await admit(admission)).lease
    assert lease
    client.config_set("maxmemory-policy", "noeviction")
    client.config_set(name, 1)
    admission.settle(lease, tokens=3, nano_dollars=700)
    await asyncio.sleep(0.7)
    assert spent(client) == "1000"
    client.config_set(name, 0)
    await until(lambda: spent(client) == "700", within=BACK)


async def test_who_was_admitted_without_hearing_of_it_holds_nothing(
    admission: Admission, redis_server: embedded.Server, client: "sync_redis.Redis[str]"
) -> None:
    first = (await admit(admission, lock="first")).lease  # Redis has the scripts now
    assert first
    admission.settle(first, tokens=0, nano_dollars=0)
    await until(lambda: leases(client) == 0, within=BACK)
    with stopped(redis_server), pytest.raises(module.Unavailable):
        await admit(admission, lock="second")
    await until(lambda: leases(client) == 0 and not client.exists("second"), within=BACK)
    assert spent(client) == "0"


async def test_who_leaves_while_he_asks_for_a_flight_locks_nothing(
    workers: list[Flights], client: "sync_redis.Redis[str]"
) -> None:
    await workers[0]._share._redis.connect()
    client.execute_command("CLIENT", "PAUSE", 150, "WRITE")
    leaving = asyncio.create_task(Reader(workers[0], Vendor()).ask())
    await asyncio.sleep(0.05)
    leaving.cancel()
    await asyncio.sleep(0.3)
    assert not client.exists(workers[0].lock("k"))


async def test_who_asked_a_redis_that_stopped_locks_nothing(
    workers: list[Flights], redis_server: embedded.Server, client: "sync_redis.Redis[str]"
) -> None:
    await workers[0]._share._redis.connect()
    with stopped(redis_server):
        assert await Reader(workers[0], Vendor()).ask()
    await until(lambda: not client.exists(workers[0].lock("k")), within=BACK)


async def test_what_waits_to_be_told_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    away = RedisMux("redis://127.0.0.1:1/0")
    for number in range(redis_mux.UNANSWERED_BOUND + 10):
        away.send("SET", "k", number, again=True)
    assert len(away._unanswered) == redis_mux.UNANSWERED_BOUND
    assert away._unanswered[-1].command[-1] == redis_mux.UNANSWERED_BOUND + 9
    await away.close()
