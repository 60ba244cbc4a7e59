"""2,000 WebSockets, of which 200 talk: what each costs in memory, and whether a frame is missed."""

import asyncio
import gc
import json

import uvloop
from websockets.asyncio.client import ClientConnection, connect

from benchmarks import asks
from benchmarks.figures import Figures
from benchmarks.gateways import Gateway
from benchmarks.load import Void
from benchmarks.machine import resident_bytes
from benchmarks.vendor import text

SOCKETS = 2000
ACTIVE = 200
AT_ONCE = 50
"""Handshakes under way, so that the server's backlog does not overflow."""


def measure(gateway: Gateway, key: str, *, figures: Figures) -> None:
    """Raises `Void` for a frame that is missing or wrong."""
    uvloop.run(_measure(gateway, key, figures))


async def _measure(gateway: Gateway, key: str, figures: Figures) -> None:
    url = f"ws://127.0.0.1:{gateway.port}/ws/chat"
    gate = asyncio.Semaphore(AT_ONCE)

    async def opened() -> ClientConnection:
        async with gate:
            return await connect(
                url, additional_headers={"Authorization": f"Bearer {key}"}, compression=None, open_timeout=30
            )

    before = resident_bytes(gateway.pid)
    sockets = await asyncio.gather(*(opened() for _ in range(SOCKETS)))
    try:
        await asyncio.sleep(1)
        figures.add(gateway.name, "sockets: kB each", (resident_bytes(gateway.pid) - before) / SOCKETS / 1024)
        talking = sockets[:: SOCKETS // ACTIVE]
        frames = await asyncio.gather(*(_chat(socket, next(asks.fresh)) for socket in talking))
        figures.add(gateway.name, "sockets: frames", sum(frames))
    finally:
        await asyncio.gather(*(socket.close() for socket in sockets), return_exceptions=True)
    gc.collect()


async def _chat(socket: ClientConnection, number: int) -> int:
    """How many frames came: a start, the deltas that make the text, an end."""
    await socket.send(json.dumps({"type": "chat", "id": "1", "prompt": f"ask-{number}"}))
    said = ""
    kinds: list[str] = []
    async with asyncio.timeout(30):
        while not kinds or kinds[-1] not in ("end", "error"):
            frame = json.loads(await socket.recv())
            kinds.append(frame["type"])
            said += frame.get("text", "")
    if kinds[0] != "start" or kinds[-1] != "end" or said != text(number):
        raise Void(f"a socket got {kinds} and the text {said!r}")
    return len(kinds)
