"""Clients that are slow on purpose, or too many; others do not notice, and caps hold."""

import asyncio
import gc
import random
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp

from torture.driver import Ask, Told, driving
from torture.load import failures, p99, shown, until, users
from torture.rows import Figures
from torture.scenarios.hostile_bodies import drip
from torture.system import System
from torture.vitals import metric, vitals

SLOWER = 1.5
"""Times the p99 of others before."""
NOISE = 0.005
"""Seconds."""
PER_SOCKET = 64 * 1024
"""Bytes that an idle WebSocket may hold."""
APART = 0.01
"""Seconds between two that begin: they share a process with the others, whose times are what is measured."""
PER_READER = 2_000_000
"""Bytes, of the three millions that he asks for: most go through the kernel, which holds the rest of them."""
UNREAD_WITHIN = 75.0
"""Seconds after which a client that does not read is cut off: 60, and what a busy machine adds."""


async def send_headers_slowly(system: System, *, sockets: int = 500, within: float = 35.0) -> Figures:
    """Slow-loris: all are cut off, and others are as fast as before."""
    key = await _key(system, "loris")
    before = await _calls(system, key, "loris-before", 8)
    began = time.monotonic()
    head = b"GET /health HTTP/1.1\r\nHost: gateway\r\nX-Slow: "
    slow = asyncio.gather(
        *(_late(number * APART, drip(system, head, within=within)) for number in range(sockets))
    )
    during = await _calls(system, key, "loris-during", 8)
    said = await slow
    left = [one for one in said if not one.startswith(b"HTTP/1.1 408")]
    assert not left, f"{len(left)} of {sockets} were told {left[0][:80]!r}"
    return {"sockets": sockets, "all cut off after, s": time.monotonic() - began, **_as_fast(before, during)}


async def open_many_sockets(system: System, *, sockets: int = 2000) -> Figures:
    """Idle WebSockets cost little, and others are as fast as before."""
    key = await _key(system, "many-sockets")
    quiet = await _calls(system, key, "sockets-before", 8)
    before = await asyncio.to_thread(vitals, system)
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        )
        for _ in range(0, sockets, 50):
            await asyncio.gather(*(stack.enter_async_context(_open(system, session, key)) for _ in range(50)))
        await asyncio.sleep(2)
        gc.freeze()  # looking through their other ends here would be told as the gateway's slowness
        after = await asyncio.to_thread(vitals, system)
        open_now = await asyncio.to_thread(metric, system, "gateway_sockets_open")
        during = await _calls(system, key, "sockets-during", 8)
    gc.unfreeze()
    each = (after.rss - before.rss) / sockets
    assert open_now >= sockets, f"{open_now:.0f} of {sockets} are open"
    assert each <= PER_SOCKET, f"{each / 1024:.0f} KiB for each socket"
    return {"sockets": sockets, "KiB each": each / 1024, **_as_fast(quiet, during)}


async def do_not_read(system: System, *, readers: int = 100, size: int = 3_000_000) -> Figures:
    """Clients that ask for megabytes and read nothing: what they hold is bounded, and they are cut off."""
    key = await _key(system, "slow-readers")
    quiet = await _calls(system, key, "readers-before", 8)
    before = await asyncio.to_thread(vitals, system)
    host, port = system.stack.url.removeprefix("http://").split(":")
    writers = []
    for number in range(readers):
        body = b'{"prompt":"%d of many [[fault:huge size=%d]]","model":"gemini-2.0-flash"}' % (
            number % 4,
            size,
        )
        _, writer = await asyncio.open_connection(host, int(port), limit=1024)
        writer.write(
            b"POST /chat/stream HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/json\r\n"
            b"Accept: text/event-stream\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s"
            % (key.encode(), len(body), body)
        )
        writers.append(writer)
        await asyncio.sleep(APART)
    began = time.monotonic()
    busy = await _calls(system, key, "readers-during", 8)
    during = await asyncio.to_thread(vitals, system)
    await until(
        "the last one cut off",
        lambda: metric(system, "gateway_calls_open") == 0,
        within=UNREAD_WITHIN,
        every=1.0,
    )
    for writer in writers:
        writer.close()
    growth = during.rss - before.rss
    assert growth <= PER_READER * readers, f"memory grew by {growth / 1e6:.0f} MB"
    cut = time.monotonic() - began
    return {
        "readers": readers,
        "growth, MB": growth / 1e6,
        "all cut off after, s": cut,
        **_as_fast(quiet, busy),
    }


async def _late(seconds: float, what: Awaitable[bytes]) -> bytes:
    await asyncio.sleep(seconds)
    return await what


async def _key(system: System, name: str) -> str:
    (key,) = await system.new_keys({"project": name})
    return key


def _as_fast(before: list[Told], during: list[Told]) -> dict[str, object]:
    """What others saw. Raises `AssertionError` where they noticed."""
    told = before + during
    assert not failures(told), f"others failed: {shown(failures(told))}"
    quiet, now = p99(before), p99(during)
    assert now <= quiet * SLOWER + NOISE, (
        f"others' p99: {quiet * 1000:.1f} ms before, {now * 1000:.1f} ms during"
    )
    return {"others' p99 before and during, ms": f"{quiet * 1000:.1f}, {now * 1000:.1f}"}


async def _calls(system: System, key: str, name: str, seconds: float) -> list[Told]:
    """Of ten users who do not ask in step; without the first call of each, which connects."""
    pauses = random.Random(name)  # noqa: S311 - repeatable
    async with driving(system.stack.url) as driver:

        async def once(user: int, turn: int) -> Told | None:
            told = await driver.ask(Ask(text=f"Say: {name} {user} {turn}", key=key))
            await asyncio.sleep(pauses.uniform(0.05, 0.15))
            return told if turn else None

        return [told for told in await users(10, seconds, once) if told is not None]


@asynccontextmanager
async def _open(system: System, session: aiohttp.ClientSession, key: str) -> AsyncIterator[None]:
    headers = {"Authorization": f"Bearer {key}"}
    options: dict[str, Any] = {"headers": headers, "timeout": aiohttp.ClientWSTimeout(ws_close=1)}
    async with session.ws_connect(f"{system.stack.url}/ws/chat", **options):
        yield
