"""Limits and budgets hold exactly, over all workers, and nothing stays reserved."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime

import pytest
import redis as sync_redis

from gateway_app import admission as module
from gateway_app.admission import Admission, Admitted
from gateway_app.exceptions import (
    BudgetSpent,
    ConcurrencyReached,
    GatewayError,
    LimitReached,
    Unavailable,
)
from gateway_app.ids import uuid7
from gateway_app.limits import Claim, Limits
from gateway_app.redis_mux import RedisMux
from gateway_app.requests import Caller
from llmgateway import embedded

SMALL = Claim(tokens=10, nano_dollars=1_000)


@dataclass
class Ledger:
    """What was spent before Redis knew of the key."""

    today: int = 0
    month: int = 0
    away: bool = False
    asked: list[str] = field(default_factory=list)

    async def spent(self, key: str, now: datetime) -> tuple[int, int]:
        self.asked.append(key)
        if self.away:
            raise ConnectionError("away")
        return self.today, self.month


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
async def workers(redis_server: embedded.Server, ledger: Ledger) -> AsyncIterator[list[Admission]]:
    """Two, as two processes would have them."""
    connections = [RedisMux(redis_server.url) for _ in range(2)]
    both = [Admission(connection, spent=ledger.spent, workers=2) for connection in connections]
    for worker in both:
        await worker.start()
    yield both
    for worker, connection in zip(both, connections, strict=True):
        await worker.stop()
        await connection.close()


def caller(**limits: int) -> Caller:
    return Caller(project_id=1, project="p", key_id="k" * 12, limits=Limits(**limits))


async def admit(worker: Admission, who: Caller, wanted: Claim = SMALL, *, reply_key: str = "") -> Admitted:
    return await worker.admit(who, uuid7(), wanted, reply_key=reply_key)


async def rush(workers: list[Admission], who: Caller, *, calls: int, wanted: Claim = SMALL) -> list[Admitted]:
    """Those admitted of `calls` at the same time over all workers."""
    found = await asyncio.gather(
        *(admit(workers[number % 2], who, wanted) for number in range(calls)), return_exceptions=True
    )
    refused = [error for error in found if isinstance(error, BaseException)]
    assert all(isinstance(error, GatewayError) for error in refused), refused[:1]
    return [answer for answer in found if isinstance(answer, Admitted)]


@pytest.mark.parametrize(
    ("limits", "wanted", "exactly"),
    [
        ({"requests_per_minute": 100}, SMALL, 100),
        ({"concurrent_requests": 37}, SMALL, 37),
        ({"tokens_per_minute": 1_000}, Claim(tokens=9, nano_dollars=0), 111),
        ({"daily_budget": 50_000}, SMALL, 50),
        ({"monthly_budget": 50_999}, SMALL, 50),
        ({"requests_per_minute": 80, "concurrent_requests": 20, "daily_budget": 30_000}, SMALL, 20),
    ],
)
async def test_a_thousand_at_once_are_admitted_exactly_up_to_the_limit(
    workers: list[Admission], limits: dict[str, int], wanted: Claim, exactly: int
) -> None:
    assert len(await rush(workers, caller(**limits), calls=1000, wanted=wanted)) == exactly


async def test_a_settled_call_gives_back_what_it_did_not_use(workers: list[Admission]) -> None:
    who = caller(daily_budget=10_000)
    (first,) = await rush(workers, who, calls=1, wanted=Claim(tokens=10, nano_dollars=10_000))
    with pytest.raises(BudgetSpent):
        await admit(workers[1], who)
    assert first.lease
    workers[0].settle(first.lease, tokens=1, nano_dollars=4_000)
    await workers[0]._redis.call("PING")
    assert len(await rush(workers, who, calls=50)) == 6


async def test_a_call_that_ends_makes_room_for_the_next(workers: list[Admission]) -> None:
    who = caller(concurrent_requests=1)
    held = await admit(workers[0], who)
    with pytest.raises(ConcurrencyReached):
        await admit(workers[1], who)
    assert held.lease
    workers[0].settle(held.lease, tokens=0, nano_dollars=0)
    await workers[0]._redis.call("PING")
    assert (await admit(workers[1], who)).lease


async def test_what_a_killed_worker_held_is_free_again_after_its_lease(
    redis_server: embedded.Server, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LEASE", 0.2)
    connection = RedisMux(redis_server.url)
    killed = Admission(connection, spent=ledger.spent, workers=2)
    other = Admission(connection, spent=ledger.spent, workers=2)
    who = caller(concurrent_requests=1, daily_budget=1_000)
    await admit(killed, who)
    with pytest.raises(ConcurrencyReached):
        await admit(other, who)
    await asyncio.sleep(0.25)
    assert (await admit(other, who)).lease
    await connection.close()


async def test_a_long_call_keeps_its_lease(
    redis_server: embedded.Server, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LEASE", 0.3)
    monkeypatch.setattr(module, "RENEW", 0.05)
    connection = RedisMux(redis_server.url)
    worker = Admission(connection, spent=ledger.spent, workers=1)
    await worker.start()
    who = caller(concurrent_requests=1)
    await admit(worker, who)
    await asyncio.sleep(0.6)
    with pytest.raises(ConcurrencyReached):
        await admit(worker, who)
    await worker.stop()
    await connection.close()


async def test_a_new_redis_learns_from_the_ledger_what_was_spent(
    workers: list[Admission], ledger: Ledger
) -> None:
    ledger.today, ledger.month = 8_000, 9_000
    assert len(await rush(workers, caller(daily_budget=10_000, monthly_budget=100_000), calls=20)) == 2
    assert len(ledger.asked) <= len(workers), "each asks once for all of its calls"
    ledger.asked.clear()
    with pytest.raises(BudgetSpent):
        await admit(workers[0], caller(daily_budget=10_000, monthly_budget=100_000))
    assert ledger.asked == []


async def test_when_nobody_knows_what_was_spent_nothing_more_is(
    workers: list[Admission], ledger: Ledger
) -> None:
    ledger.away = True
    with pytest.raises(Unavailable):
        await admit(workers[0], caller(daily_budget=10_000))


async def test_a_budget_of_nothing_buys_nothing(workers: list[Admission]) -> None:
    with pytest.raises(BudgetSpent):
        await admit(workers[0], caller(daily_budget=0))


async def test_a_kept_reply_is_found_in_the_same_round_trip_and_reserves_nothing(
    workers: list[Admission], redis_server: embedded.Server
) -> None:
    with sync_redis.Redis.from_url(redis_server.url) as client:
        client.set("gw:1:reply", b"kept")
    who = caller(requests_per_minute=2, concurrent_requests=1, daily_budget=0)
    for _ in range(2):
        found = await admit(workers[0], who, reply_key="gw:1:reply")
        assert (found.reply, found.lease) == (b"kept", None)
    with pytest.raises(LimitReached):
        await admit(workers[0], who, reply_key="gw:1:reply")


async def test_the_caller_learns_what_is_left(workers: list[Admission]) -> None:
    who = caller(requests_per_minute=3, tokens_per_minute=100)
    first = (await admit(workers[0], who)).rate_limit
    assert (first.requests, first.requests_left, first.tokens, first.tokens_left) == (3, 2, 100, 90)
    assert 59 < first.requests_reset <= 60
    assert 0 < first.tokens_reset <= 60
    await admit(workers[0], who)
    await admit(workers[1], who)
    with pytest.raises(LimitReached) as caught:
        await admit(workers[0], who)
    assert 58 < caught.value.retry_after <= 60


@pytest.mark.parametrize("old", [1, 7, 8, 9, 1000])
async def test_what_was_asked_over_a_minute_ago_no_longer_counts(
    workers: list[Admission], redis_server: embedded.Server, old: int
) -> None:
    now = int(time.time() * 1000)
    with sync_redis.Redis.from_url(redis_server.url) as client:
        asked = [now - 59_000, now - 1_000, *(now - 60_001 - number for number in range(old))]
        client.rpush(f"gw:limit:{{{'k' * 12}}}:requests", *sorted(asked, reverse=True))
    found = (await admit(workers[0], caller(requests_per_minute=5000))).rate_limit
    assert found.requests_left == 5000 - 3
    assert 0 < found.requests_reset < 1.1, "when the oldest of the last minute is a minute old"


async def test_while_redis_is_away_each_worker_grants_its_share(
    workers: list[Admission], redis_server: embedded.Server
) -> None:
    redis_server.child.kill()
    who = caller(requests_per_minute=10)
    assert len(await rush(workers, who, calls=100)) == 10
    with pytest.raises(Unavailable):
        await admit(workers[0], caller(daily_budget=10_000))


async def test_a_hanging_redis_holds_a_call_up_a_quarter_of_a_second_at_most(
    workers: list[Admission], redis_server: embedded.Server
) -> None:
    assert redis_server.child.pid
    await admit(workers[0], caller(requests_per_minute=10))
    os.kill(redis_server.child.pid, signal.SIGSTOP)
    async with asyncio.timeout(0.25):
        await admit(workers[0], caller(requests_per_minute=10))
    os.kill(redis_server.child.pid, signal.SIGCONT)
