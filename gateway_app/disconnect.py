"""Work that ends when its client leaves."""

import asyncio
from collections.abc import Awaitable
from typing import Any

CUT_OFF = "gateway.cut_off"
"""Our server's ASGI extension whose `now` drops a WebSocket's connection with all that is not yet sent."""
UNWATCHED = 0.1
"""Seconds that work may take before anybody looks whether its client is still there."""


async def read_body(receive: Any) -> bytes | None:
    """The whole body (the door bounds it), or None where the client left before its end."""
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def while_connected(receive: Any, work: Awaitable[None]) -> None:
    """Waits for `work`, and cancels it soon after `http.disconnect`. Raises what `work` raises."""
    watch = _Watch(receive)
    try:
        await work
    except asyncio.CancelledError:
        if not watch.client_left:
            raise
        watch.task.uncancel()
    finally:
        watch.stop()


class _Watch:
    """Cancels the task that made it when the client leaves."""

    def __init__(self, receive: Any) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.task = task
        self.client_left = False
        self._receive = receive
        self._watching: asyncio.Task[None] | None = None
        # Most answers are out before a task of its own is made for watching.
        self._later = task.get_loop().call_later(UNWATCHED, self._begin)

    def stop(self) -> None:
        self._later.cancel()
        if self._watching:
            self._watching.cancel()
            self._watching = None  # whose end refers to us: a circle that only the garbage collector opens

    def _begin(self) -> None:
        self._watching = self.task.get_loop().create_task(self._look())

    async def _look(self) -> None:
        await self._receive()
        self.client_left = True
        self.task.cancel()
