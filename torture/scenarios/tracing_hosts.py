"""The hosts that traces go to are dead, or take what is sent and never answer; callers do not notice."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psutil
from aiohttp import web

from llmgateway.ports import LOOPBACK
from torture.driver import Ask, Told, driving
from torture.ledger import each_once
from torture.load import failures, p99, shown, users
from torture.rows import Figures
from torture.system import System
from torture.vitals import vitals

ENVIRONMENT = {
    "LANGFUSE_HOST": "through the proxy",
    "LANGFUSE_PUBLIC_KEY": "pk",
    "LANGFUSE_SECRET_KEY": "sk",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "through the proxy",
}
CHANGE = 1.05
"""Times the p99 with healthy hosts."""
NOISE = 0.005
"""Seconds that a p99 of one run differs from the next."""
FLAT = 1.2
"""Times the memory before; what waits for a host is bounded."""
EXIT_WITHIN = 5.0


async def are_dead_or_hang(system: System, *, seconds: float = 30.0, callers: int = 20) -> Figures:
    """Callers are as fast, memory stays flat, the ledger is whole, and the process that sends can stop."""
    (key,) = await system.new_keys({"project": "tracing"})
    async with _healthy_host(system):
        await _load(system, key, "warm", callers, 5.0)
        healthy = await _load(system, key, "healthy", callers, seconds)
    before, worker = await asyncio.to_thread(vitals, system), psutil.Process(system.stack.pid("ledger"))
    held = worker.memory_info().rss
    await asyncio.to_thread(system.fault, "tracing", "refuse")
    dead = await _load(system, key, "dead", callers, seconds)
    await asyncio.to_thread(system.fault, "tracing", "hang")
    hanging = await _load(system, key, "hanging", callers, seconds)
    after, held_after = await asyncio.to_thread(vitals, system), worker.memory_info().rss
    told = healthy + dead + hanging
    assert not failures(told), shown(failures(told))
    await each_once(system, [one.ask.request_id for one in told])
    began = time.monotonic()
    await asyncio.to_thread(system.stack.stop_part, "ledger")
    took = time.monotonic() - began
    await asyncio.to_thread(system.stack.restart, "ledger")
    await asyncio.to_thread(system.fault, "tracing")
    assert took <= EXIT_WITHIN, f"the ledger worker took {took:.1f} s to stop"
    assert after.rss <= before.rss * FLAT, f"workers grew from {before} to {after}"
    assert held_after <= held * FLAT, (
        f"the ledger worker grew from {held / 1e6:.0f} to {held_after / 1e6:.0f} MB"
    )
    for name, phase in (("dead", dead), ("hanging", hanging)):
        most = p99(healthy) * CHANGE + NOISE
        assert p99(phase) <= most, (
            f"p99 {p99(healthy):.4f} s with healthy hosts, {p99(phase):.4f} s with {name}"
        )
    return {
        "requests": len(told),
        "p99 healthy, dead, hanging, ms": ", ".join(
            f"{p99(one) * 1000:.1f}" for one in (healthy, dead, hanging)
        ),
        "ledger worker, MB": f"{held / 1e6:.0f} to {held_after / 1e6:.0f}",
        "exit, s": took,
    }


async def _load(system: System, key: str, name: str, callers: int, seconds: float) -> list[Told]:
    async with driving(system.stack.url) as driver:

        async def once(user: int, turn: int) -> Told:
            request_id = f"tracing-{name}-{user}-{turn}"
            told = await driver.ask(Ask(text=f"Say: {request_id}", key=key, request_id=request_id))
            await asyncio.sleep(0.2)
            return told

        return await users(callers, seconds, once)


@asynccontextmanager
async def _healthy_host(system: System) -> AsyncIterator[None]:
    """Takes everything at once."""

    async def take(request: web.Request) -> web.Response:
        await request.read()
        return web.json_response({"successes": [], "errors": []}, status=200)

    app = web.Application(client_max_size=2**26)
    app.router.add_route("*", "/{path:.*}", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, LOOPBACK, system.tracing_port).start()
    try:
        yield
    finally:
        await runner.cleanup()
