"""Workers are asked to stop under streams, one after the other, and then the whole gateway."""

import asyncio
import signal
import time

import psutil

from torture.driver import STREAMS, Ask, Driver, Told, driving
from torture.load import failures, shown, until, users, verdicts
from torture.rows import Figures
from torture.system import System

EXIT_WITHIN = 30.0


async def workers_are_replaced(system: System, *, rounds: int = 2, streams: int = 100) -> Figures:
    """A rolling SIGTERM under streams: none fails, none ends early, and every worker is gone in 30 s."""
    (key,) = await system.new_keys({"project": "rolling"})
    async with driving(system.stack.url, reuse=False) as driver:
        done = asyncio.Event()
        calls = asyncio.create_task(_stream_until(done, driver, key, streams))
        slowest = 0.0
        for _ in range(rounds):
            for worker in system.workers():
                slowest = max(slowest, await _stopped(worker))
                await until("two workers", lambda: len(system.workers()) == 2, within=30)
                await asyncio.sleep(3.0)  # the new one comes up
        done.set()
        told = await calls
    failed = failures(told)
    assert not failed, f"{len(failed)} of {len(told)} failed: {verdicts(failed)}: {shown(failed)}"
    assert slowest <= EXIT_WITHIN, f"a worker took {slowest:.1f} s to stop"
    return {"stopped": 2 * rounds, "streams": len(told), "failed": 0, "slowest exit, s": slowest}


async def the_gateway_is_stopped(system: System, *, streams: int = 100) -> Figures:
    """SIGTERM to all of it: streams that are under way come to their end, and each has its row."""
    (key,) = await system.new_keys({"project": "stopped"})
    async with driving(system.stack.url, reuse=False) as driver:
        asks = [_ask(key, number, 0) for number in range(streams)]
        calls = [asyncio.create_task(driver.ask(ask)) for ask in asks]
        await until("all streams", lambda: system.simulator.stats().in_flight >= streams, within=15)
        gateway = psutil.Process(system.stack.pid("gateway"))
        took = await _stopped(gateway)
        told = await asyncio.gather(*calls)
    await asyncio.to_thread(system.stack.restart, "gateway")
    assert not failures(told), f"{verdicts(failures(told))}: {shown(failures(told))}"
    assert took <= EXIT_WITHIN, f"it took {took:.1f} s to stop"
    query = "SELECT count(*) FROM gateway_app_call WHERE project_name = 'stopped' AND outcome = 'ok'"
    await until("the last row", lambda: system.query(query)[0][0] == streams, within=20)
    return {"streams": streams, "failed": 0, "exit, s": took, "rows": streams}


async def _stopped(process: psutil.Process) -> float:
    """Seconds from SIGTERM to the end."""
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)

    def gone() -> bool:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE

    await until("the exit", gone, within=EXIT_WITHIN + 10, every=0.1)
    return time.monotonic() - began


async def _stream_until(done: asyncio.Event, driver: Driver, key: str, streams: int) -> list[Told]:
    async def once(user: int, turn: int) -> Told:
        return await driver.ask(_ask(key, user, turn))

    told: list[Told] = []
    while not done.is_set():
        told += await users(streams, 3.0, once)
    return told


def _ask(key: str, user: int, turn: int) -> Ask:
    """A stream of a few seconds."""
    text = f"Say: {user} {turn} {time.monotonic()} " + "a long story that is told slowly " * 6
    return Ask(text=f"{text}[[fault:chunk_delay ms=400]]", door=STREAMS[user % len(STREAMS)], key=key)
