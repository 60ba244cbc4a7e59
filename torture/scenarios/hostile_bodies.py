"""Bodies that are too large, too deep, or never end."""

import asyncio
import json
import time
from collections.abc import AsyncIterator

import aiohttp

from torture.rows import Figures
from torture.system import System
from torture.vitals import vitals

PATHS = ("/chat", "/chat/stream", "/v1/chat/completions", "/prompts", "/feedback", "/admin/login/", "/docs/")
SIZE = 100_000_000
PIECE = b"x" * 65_536
GROWTH = 20_000_000
"""Bytes."""
EARLY = 20_000_000
"""Bytes that may be on their way when the answer comes: the bound, and what the sockets hold."""
DEPTH = 100_000


async def are_too_large(system: System) -> Figures:
    """100 MB are refused with 413 before they are read, whatever they say of their length."""
    (key,) = await system.new_keys({"project": "bodies"})
    before = await asyncio.to_thread(vitals, system)
    most_sent = 0
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {key}"}) as session:
        for path in PATHS:
            for announced in (True, False):
                status, sent = await _send(session, f"{system.stack.url}{path}", announced=announced)
                assert status == 413, f"{path}: {status} for {SIZE} bytes, {sent} sent"
                assert sent <= EARLY, f"{path}: 413 only after {sent} bytes"
                most_sent = max(most_sent, sent)
    after = await asyncio.to_thread(vitals, system)
    assert after.rss - before.rss <= GROWTH, f"memory grew from {before} to {after}"
    return {
        "paths": len(PATHS),
        "most on its way, MB": most_sent / 1e6,
        "growth, MB": (after.rss - before.rss) / 1e6,
    }


async def are_too_deep(system: System) -> Figures:
    """JSON that is nested a hundred thousand deep is refused with 400, over HTTP and on a socket."""
    (key,) = await system.new_keys({"project": "deep"})
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    bodies = ["[" * DEPTH, "[" * DEPTH + "]" * DEPTH, '{"a":' * DEPTH + "1" + "}" * DEPTH]
    bodies += [f'{{"prompt":{body}}}' for body in bodies[1:]]
    refused = 0
    async with aiohttp.ClientSession(headers=headers) as session:
        for path in PATHS[:5]:
            for body in bodies:
                async with session.post(f"{system.stack.url}{path}", data=body) as reply:
                    assert reply.status in (400, 403), f"{path}: {reply.status}: {await reply.text()}"
                    refused += 1
        async with session.ws_connect(f"{system.stack.url}/ws/chat") as socket:
            for body in bodies:
                await socket.send_str(body)
                said = json.loads((await socket.receive(timeout=10)).data)
                assert said["code"] == "invalid_request", said
                refused += 1
    return {"refused": refused}


async def never_end(system: System, *, bodies: int = 100, within: float = 40.0) -> Figures:
    """Bodies that come byte by byte are answered 408 and cut off."""
    head = b"POST /chat HTTP/1.1\r\nHost: gateway\r\nContent-Length: 9999\r\n\r\n"
    began = time.monotonic()
    said = await asyncio.gather(*(drip(system, head, within=within) for _ in range(bodies)))
    late = [one for one in said if not one.startswith(b"HTTP/1.1 408")]
    assert not late, f"{len(late)} of {bodies} were told {late[0][:80]!r}"
    return {"bodies": bodies, "all cut off after, s": time.monotonic() - began}


async def drip(system: System, head: bytes, *, within: float, every: float = 1.0) -> bytes:
    """Sends `head`, then a byte now and then; what was answered before the connection ended."""
    host, port = system.stack.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    answer = asyncio.create_task(reader.read())
    try:
        writer.write(head)
        until = time.monotonic() + within
        while not answer.done() and time.monotonic() < until:
            await asyncio.wait([answer], timeout=every)
            if not answer.done():
                writer.write(b"x")
        return await answer if answer.done() else b"nothing"
    except ConnectionError:
        return b"reset"
    finally:
        answer.cancel()
        writer.close()


async def _send(session: aiohttp.ClientSession, url: str, *, announced: bool) -> tuple[int, int]:
    """The status, and how much had been taken from us when it came."""
    sent = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < SIZE:
            yield PIECE
            sent += len(PIECE)

    headers = {"Content-Type": "application/json", "Accept": "*/*"}
    if announced:
        headers["Content-Length"] = str(SIZE)
    try:
        async with session.post(url, data=pieces(), headers=headers) as reply:
            return reply.status, sent
    except aiohttp.ClientError:
        return 0, sent
