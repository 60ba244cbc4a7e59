"""How long a reply may keep us waiting."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from gateway_app.exceptions import ProviderTimeout, ReaderTooSlow
from gateway_app.types import Chunk


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Seconds."""

    first: float
    """Until the first chunk."""
    idle: float
    """Between two chunks."""
    total: float


async def paced(chunks: AsyncGenerator[Chunk, None], patience: Patience) -> AsyncGenerator[Chunk, None]:
    """Passes `chunks` on. Raises `ProviderTimeout` where the reply starts, goes on or ends too late.

    The vendor is not to blame while its reply is not fetched: a deadline that passes then is `ReaderTooSlow`.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience.total
    wait, waited_for = patience.first, "the first token"
    async with aclosing(chunks) as source:
        while True:
            now = loop.time()
            until = min(now + wait, deadline)
            try:
                async with asyncio.timeout_at(until):
                    chunk = await anext(source)
            except StopAsyncIteration:
                return
            except TimeoutError as exc:
                if now >= deadline:
                    raise ReaderTooSlow(
                        "the reply was not read within the time that a call may take"
                    ) from exc
                late = "the whole reply" if until == deadline else waited_for
                raise ProviderTimeout(f"the vendor took too long for {late}") from exc
            yield chunk
            wait, waited_for = patience.idle, "the next token"
