"""Postgres stops at once, hangs, or has no connection left: what is warm goes on, what is cold says why."""

import asyncio
import json
import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass

import aiohttp
import psycopg

from torture.driver import DOORS, Ask, Driver, Told, driving
from torture.ledger import each_once
from torture.load import crowd, failures, p99, shown, until, verdicts
from torture.rows import Figures
from torture.system import System

READY_AGAIN = 10.0
"""Seconds after Postgres is back."""


@dataclass(frozen=True, slots=True)
class Outage:
    name: str
    begin: Callable[[System], None]
    end: Callable[[System], None]


def _stop_immediately(system: System) -> None:
    assert system.postgres.child.pid, "Postgres was never started"
    os.kill(system.postgres.child.pid, signal.SIGQUIT)


def _start(system: System) -> None:
    system.postgres.child.wait(10)
    system.postgres.child.start()


def _hang(system: System) -> None:
    system.fault("postgres", "hang")


def _go_on(system: System) -> None:
    system.fault("postgres")


TRIES = 50


class _Exhausted:
    """Somebody else holds every connection that Postgres has."""

    def __init__(self) -> None:
        self._held = ExitStack()

    def begin(self, system: System) -> None:
        # Those of the gateway are cut, as after a failover, until it has none of the new ones either. One
        # that it has just closed itself is free a moment later: twice in a row none is there to take or cut.
        with psycopg.connect(system.stack.database_url, dbname="postgres", autocommit=True) as connection:
            still = 0
            for _ in range(TRIES):
                taken = self._take_all(system)
                cut = connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                    [system.stack.database_url.split("/")[3].split("?")[0]],
                )
                still = 0 if taken or cut.fetchall() else still + 1
                if still == 2:
                    return
                time.sleep(0.1)
        raise AssertionError("the gateway's connections cannot be had")

    def _take_all(self, system: System) -> int:
        """How many there were."""
        taken = 0
        with suppress(psycopg.OperationalError):
            while True:
                self._held.enter_context(
                    psycopg.connect(system.stack.database_url, dbname="postgres", connect_timeout=5)
                )
                taken += 1
        return taken

    def end(self, _: System) -> None:
        self._held.close()


async def stops(system: System, *, requests: int = 500) -> Figures:
    """`stop -m immediate` under load."""
    return await _outage(system, Outage("stops", _stop_immediately, _start), requests=requests)


async def hangs(system: System, *, requests: int = 500) -> Figures:
    """Its connections are open and silent, and new ones too."""
    return await _outage(system, Outage("hangs", _hang, _go_on), requests=requests)


async def has_no_connection_left(system: System, *, requests: int = 500) -> Figures:
    """All of them are somebody else's."""
    exhausted = _Exhausted()
    return await _outage(system, Outage("full", exhausted.begin, exhausted.end), requests=requests)


async def away_at_the_start(system: System, *, requests: int = 100) -> Figures:
    """A gateway that starts without Postgres is alive, says 503 and why, and serves as soon as it can."""
    (key,) = await system.new_keys({"project": "postgres-start"})
    await asyncio.to_thread(system.stack.stop_part, "gateway")
    await asyncio.to_thread(_stop_immediately, system)
    restart = asyncio.create_task(asyncio.to_thread(system.stack.restart, "gateway"))
    async with driving(system.stack.url) as driver:
        try:
            await until("alive", lambda: _status(system, "/health") == 200, within=40)
            ready = await asyncio.to_thread(_status, system, "/health/ready")
            cold = [await driver.ask(Ask(text="Say: hello", key=key)) for _ in range(20)]
        finally:
            await asyncio.to_thread(_start, system)
        back = await until("ready", lambda: _status(system, "/health/ready") == 200, within=READY_AGAIN)
        await restart
        await asyncio.sleep(1)  # the other worker
        warm = [await driver.ask(Ask(text=f"Say: {number}", key=key)) for number in range(requests)]
    assert ready == 503, f"/health/ready said {ready} without keys and prompts"
    assert {one.status for one in cold} == {503}, shown(cold)
    assert all(one.code for one in cold), "a 503 without its reason"
    assert not failures(warm), shown(failures(warm))
    return {"refused with 503": len(cold), "ready after, s": back, "then answered": len(warm)}


async def _outage(system: System, outage: Outage, *, requests: int) -> Figures:
    (key,) = await system.new_keys({"project": f"postgres-{outage.name}"})
    async with driving(system.stack.url) as driver:
        before = await _ask(driver, key, f"{outage.name}-before", requests // 2)
        during_task = asyncio.create_task(_ask(driver, key, f"{outage.name}-during", requests))
        await asyncio.sleep(0.1)
        await asyncio.to_thread(outage.begin, system)
        try:
            during = await during_task
            during += await _ask(driver, key, f"{outage.name}-later", requests)
            health = await asyncio.to_thread(_slowest_health, system)
            cold = await _cold(system, key)
        finally:
            await asyncio.to_thread(outage.end, system)
        back = await until("normal again", lambda: _all_ok(system), within=READY_AGAIN)
    told = before + during
    assert not failures(told), f"{verdicts(failures(told))}: {shown(failures(told))}"
    assert health < 1.0, f"/health took {health:.2f} s"
    rows = await each_once(system, [one.ask.request_id for one in told if one.ask.door != "ws"])
    return {
        "warm requests": len(during),
        "failed": 0,
        "p99 before and during, ms": f"{p99(before) * 1000:.0f}, {p99(during) * 1000:.0f}",
        "cold": cold,
        "normal again after, s": back,
        "rows": rows,
    }


async def _ask(driver: Driver, key: str, prefix: str, number: int) -> list[Told]:
    asks = [
        Ask(
            text=f"Say: {prefix} {turn // 2} and some more words",
            door=DOORS[turn % len(DOORS)],
            key=key,
            request_id=f"{prefix}-{turn}",
        )
        for turn in range(number)
    ]
    return await crowd([lambda ask=ask: driver.ask(ask) for ask in asks], at_once=20)  # type: ignore[misc]


async def _cold(system: System, key: str) -> str:
    """What needs Postgres itself: the key's usage."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{system.stack.url}/usage", headers={"Authorization": f"Bearer {key}"}) as reply,
    ):
        said = await reply.json()
        assert reply.status == 503, f"{reply.status}: {said}"
        code: str = said["error"]["code"]
        return f"503 {code}"


def _status(system: System, path: str) -> int:
    """0 where nobody answers."""
    try:
        with urllib.request.urlopen(f"{system.stack.url}{path}", timeout=2) as reply:  # noqa: S310
            return int(reply.status)
    except urllib.error.HTTPError as exc:
        return exc.code
    except OSError:
        return 0


def _all_ok(system: System) -> bool:
    """Every dependency is well again, as both workers see it."""
    for _ in range(6):
        with urllib.request.urlopen(f"{system.stack.url}/health/ready", timeout=5) as reply:  # noqa: S310
            states = json.load(reply)["dependencies"].values()
        if any(state["status"] != "ok" for state in states):
            return False
    return True


def _slowest_health(system: System) -> float:
    took = []
    for _ in range(20):
        began = time.perf_counter()
        assert _status(system, "/health") == 200, "not alive"
        took.append(time.perf_counter() - began)
    return max(took)
