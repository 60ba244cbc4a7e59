"""Everybody asks for the same at the same moment, and nobody has it yet."""

import asyncio
import signal
from contextlib import suppress

import psutil

from torture.driver import Ask, Door, driving
from torture.load import failures, shown, until, verdicts
from torture.rows import Figures
from torture.system import System

MOST_CALLS = 2
SLOW = "[[fault:chunk_delay ms=300]]"


async def is_one_call(system: System, *, callers: int = 500) -> Figures:
    """Identical cold requests over both workers: two calls to the vendor at most, one answer for all."""
    (key,) = await system.new_keys({"project": "herd"})
    doors: tuple[Door, ...] = ("rest", "sse", "v1_stream")
    counted: dict[str, object] = {"callers": callers}
    async with driving(system.stack.url, reuse=False) as driver:
        for door in doors:
            await asyncio.to_thread(system.simulator.reset_stats)
            ask = Ask(text=f"Say: the herd comes by {door} and drinks {SLOW}", door=door, key=key)
            told = await asyncio.gather(*(driver.ask(ask) for _ in range(callers)))
            assert not failures(told), f"{door}: {verdicts(failures(told))}: {shown(failures(told))}"
            assert len({one.text for one in told}) == 1, f"{door}: not the same for all"
            calls = (await asyncio.to_thread(system.simulator.stats)).calls
            assert calls <= MOST_CALLS, f"{door}: {calls} calls to the vendor"
            counted[f"calls to the vendor, {door}"] = calls
    return counted


async def loses_its_leader(system: System, *, callers: int = 500, rounds: int = 3) -> Figures:
    """The worker that asks the vendor is killed: those on the other one get their answer all the same."""
    (key,) = await system.new_keys({"project": "leader"})
    followers = calls = 0
    for number in range(rounds):
        await until("two workers", lambda: len(system.workers()) == 2, within=30)
        await asyncio.sleep(3.0)  # both serve
        async with driving(system.stack.url, reuse=False) as driver:
            await asyncio.to_thread(system.simulator.reset_stats)
            text = f"Say: round {number} " + "the leader falls and the herd goes on " * 4 + SLOW
            ask = Ask(text=text, door="sse", key=key)
            herd = [asyncio.create_task(driver.ask(ask)) for _ in range(callers)]
            await until("a leader", lambda: _leaders(system), within=10, every=0.02)
            await asyncio.sleep(0.8)  # some text has been heard
            lost = await asyncio.to_thread(_kill_leaders, system)
            told = await asyncio.gather(*herd)
        stats = await asyncio.to_thread(system.simulator.stats)
        broken = [one for one in told if one.broken]
        wrong = [one for one in told if not one.ok and not one.broken]
        assert not wrong, f"{verdicts(wrong)}: {shown(wrong)}"
        assert len(broken) <= lost, f"{len(broken)} broken, {lost} were connected to the killed worker"
        assert stats.calls <= MOST_CALLS + 1, f"{stats.calls} calls to the vendor"
        followers += len(told) - len(broken)
        calls = max(calls, stats.calls)
    return {"rounds": rounds, "callers": callers, "followers answered": followers, "most calls": calls}


def _leaders(system: System) -> list[psutil.Process]:
    """Workers that have a call to the vendor open."""
    return [worker for worker in system.workers() if _connections(worker, remote=system.ports["vendor"])]


def _kill_leaders(system: System) -> int:
    """How many callers were connected to the one that is killed."""
    own = int(system.stack.url.rsplit(":", 1)[1])
    with suppress(IndexError, psutil.NoSuchProcess):
        leader = _leaders(system)[0]
        leader.send_signal(signal.SIGSTOP)  # while we count, it accepts nobody
        lost = _connections(leader, local=own)
        leader.send_signal(signal.SIGKILL)
        return lost
    raise AssertionError("nobody leads")


def _connections(worker: psutil.Process, *, remote: int = 0, local: int = 0) -> int:
    found = 0
    with suppress(psutil.Error):
        for one in worker.net_connections("inet"):
            established = one.status == psutil.CONN_ESTABLISHED
            there = one.raddr and one.raddr.port == remote
            found += bool(established and (there or one.laddr.port == local))
    return found
