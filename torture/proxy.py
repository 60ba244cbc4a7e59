"""A TCP proxy that breaks what passes through it: `python -m torture.proxy CONTROL_PORT PORT=TARGET ...`.

TARGET is `host:port` or the path of a Unix socket. One JSON line to the control port sets a link's fault:
`{"port": 5000, "fault": "hang"}`.
"""

import asyncio
import json
import socket
import struct
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

import uvloop

FaultKind = Literal[
    "none",
    "refuse",  # connections are reset, open ones and new ones
    "hang",  # accepted, and nothing is passed on any more
    "delay",  # `ms` for each piece
    "drip",  # replies byte by byte, `ms` between two
    "cut",  # the connection ends after `after` bytes of replies
    "reset",  # the same, with a TCP reset
    "stall",  # silence after `after` bytes of replies
]
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
CHUNK = 65_536
FOREVER = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkFault:
    fault: FaultKind = "none"
    ms: float = 0
    after: int = 0


@dataclass(eq=False)
class Link:
    """One listening port and where it leads."""

    target: str
    fault: LinkFault = field(default_factory=LinkFault)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    clients: set[asyncio.StreamWriter] = field(default_factory=set)

    def suffer(self, fault: LinkFault) -> None:
        self.fault = fault
        self.changed.set()
        self.changed = asyncio.Event()
        if fault.fault == "refuse":
            for client in list(self.clients):
                _reset(client)

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.fault.fault == "refuse":
            _reset(writer)
            return
        self.clients.add(writer)
        try:
            there_reader, there_writer = await self._connect()
            ways = (
                self._pump(reader, there_writer, replies=False),
                self._pump(there_reader, writer, replies=True),
            )
            pumps = [asyncio.create_task(way) for way in ways]
            # A peer that is gone takes the other side with it.
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            for pump in pumps:
                pump.cancel()
            there_writer.close()
        except OSError:
            pass
        finally:
            self.clients.discard(writer)
            writer.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self.target.startswith("/"):
            return await asyncio.open_unix_connection(self.target)
        host, _, port = self.target.rpartition(":")
        return await asyncio.open_connection(host, int(port))

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, replies: bool
    ) -> None:
        passed = 0
        try:
            while data := await reader.read(CHUNK):
                while self.fault.fault == "hang":
                    await self.changed.wait()
                if self.fault.fault == "delay":
                    await asyncio.sleep(self.fault.ms / 1000)
                if replies and self.fault.fault in ("cut", "reset", "stall"):
                    room = max(0, self.fault.after - passed)
                    if len(data) >= room:
                        return await self._end(writer, data[:room])
                passed += len(data)
                await self._write(writer, data, replies=replies)
        except OSError:
            return

    async def _write(self, writer: asyncio.StreamWriter, data: bytes, *, replies: bool) -> None:
        if replies and self.fault.fault == "drip":
            for place in range(len(data)):
                writer.write(data[place : place + 1])
                await writer.drain()
                await asyncio.sleep(self.fault.ms / 1000)
        else:
            writer.write(data)
            await writer.drain()

    async def _end(self, writer: asyncio.StreamWriter, last: bytes) -> None:
        kind = self.fault.fault
        writer.write(last)
        await writer.drain()
        if kind == "stall":
            await asyncio.sleep(FOREVER)
        if kind == "reset":
            _reset(writer)


def _reset(writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _control(
    links: dict[int, Link], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    while line := await reader.readline():
        order = json.loads(line)
        links[order.pop("port")].suffer(replace(LinkFault(), **order))
        writer.write(b"ok\n")
        await writer.drain()
    writer.close()


async def serve(control_port: int, targets: dict[int, str]) -> None:
    links = {port: Link(target) for port, target in targets.items()}
    handlers: dict[int, Handler] = {port: link.accept for port, link in links.items()}
    handlers[control_port] = partial(_control, links)
    for port, handler in handlers.items():
        await asyncio.start_server(handler, "127.0.0.1", port, backlog=1024)
    await asyncio.Event().wait()


if __name__ == "__main__":
    pairs = (argument.split("=", 1) for argument in sys.argv[2:])
    uvloop.run(serve(int(sys.argv[1]), {int(port): target for port, target in pairs}))
