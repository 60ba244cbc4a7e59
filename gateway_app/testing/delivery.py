"""Sends a reply over the connection as its script says."""

import asyncio
import socket
import struct
from collections.abc import Iterator

from aiohttp import web

from gateway_app.testing.counters import CallProgress
from gateway_app.testing.disturbance import Break, Send, Step, Wait

_LINGER_NOTHING = struct.pack("ii", 1, 0)


async def deliver(
    request: web.Request,
    response: web.StreamResponse,
    *,
    steps: Iterator[Step],
    progress: CallProgress,
) -> web.StreamResponse:
    """Plays `steps`. Raises `CancelledError` or `ConnectionError` where the client leaves before the end."""
    await response.prepare(request)
    for step in steps:
        match step:
            case Send(data, begins_chunk):
                if begins_chunk:
                    progress.sending_chunk()
                await response.write(data)
            case Wait(seconds):
                await asyncio.sleep(seconds)
            case Break():
                progress.outcome = "broken"
                _break(request, step)
                return response
    return response


def _break(request: web.Request, how: Break) -> None:
    transport = request.transport
    if transport is None:
        return
    if how is Break.RESET:
        connection: socket.socket = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOTHING)
        transport.abort()
    transport.close()
