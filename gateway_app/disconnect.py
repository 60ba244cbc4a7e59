"""Work that ends when its client leaves."""

import asyncio
from collections.abc import Coroutine
from typing import Any


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


async def while_connected(receive: Any, work: Coroutine[Any, Any, None]) -> None:
    """Runs `work`, and cancels it as soon as `http.disconnect` comes. Raises what `work` raises."""
    answer, leave = asyncio.create_task(work), asyncio.create_task(receive())
    try:
        await asyncio.wait((answer, leave), return_when=asyncio.FIRST_COMPLETED)
    finally:
        answered = answer.done()
        answer.cancel()
        leave.cancel()
        await asyncio.wait((answer, leave))
    if answered:
        answer.result()
