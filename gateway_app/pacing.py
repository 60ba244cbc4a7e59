"""How long a reply may keep us waiting."""

import asyncio
import math
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


async def paced(
    chunks: AsyncGenerator[Chunk, None], patience: Patience, *, left: float
) -> AsyncGenerator[Chunk, None]:
    """Passes `chunks` on. Raises `ProviderTimeout` where the reply starts, goes on or ends too late.

    `left`: seconds of `patience.total`, of which other tries may have taken some.

    The vendor is not to blame while its reply is not fetched: a deadline that passes then is `ReaderTooSlow`.
    """
    alarm = _Alarm()
    deadline = alarm.now() + left
    wait, waited_for = patience.first, "the first token"
    try:
        async with aclosing(chunks) as source:
            while True:
                now = alarm.now()
                until = min(now + wait, deadline)
                alarm.set(until)
                try:
                    chunk = await anext(source)
                except StopAsyncIteration:
                    return
                except asyncio.CancelledError:
                    if not alarm.was_it():
                        raise
                    if now >= deadline:
                        raise ReaderTooSlow(
                            "the reply was not read within the time that a call may take"
                        ) from None
                    late = "the whole reply" if until == deadline else waited_for
                    raise ProviderTimeout(f"the vendor took too long for {late}") from None
                alarm.off()
                yield chunk
                wait, waited_for = patience.idle, "the next token"
    finally:
        alarm.stop()


class _Alarm:
    """Cancels the task that made it when it is late; moved on, it needs no new timer."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.now = self._loop.time
        self._until = math.inf
        self._rings_at = math.inf
        self._timer: asyncio.TimerHandle | None = None
        self._task = asyncio.current_task(self._loop)
        self._cancelling = 0
        self._rang = False

    def set(self, until: float) -> None:
        self._until = until
        if until < self._rings_at:
            self._plan()

    def off(self) -> None:
        self._until = math.inf

    def stop(self) -> None:
        if self._timer:
            self._timer.cancel()

    def was_it(self) -> bool:
        """Whether the task was cancelled by this, and by nobody else."""
        return self._rang and self._task is not None and self._task.uncancel() <= self._cancelling

    def _plan(self) -> None:
        if self._timer:
            self._timer.cancel()
        self._rings_at = self._until
        self._timer = self._loop.call_at(self._until, self._ring)

    def _ring(self) -> None:
        self._timer, self._rings_at = None, math.inf
        if self._until == math.inf or self._task is None:
            return
        if self.now() < self._until:
            self._plan()
        else:
            self._rang, self._cancelling = True, self._task.cancelling()
            self._task.cancel()
