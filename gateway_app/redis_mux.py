"""One Redis connection for all tasks of an event loop: commands go out at once, replies come back in order.

Cheaper than a pool by far, and it cannot run out; a Redis that hangs is noticed once, not by every caller.
"""

import asyncio
import contextlib
import hashlib
import re
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

import hiredis
import structlog
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, ResponseError

from gateway_app.redis_pipe import RedisPipe

log = structlog.get_logger()

CONNECT_TIMEOUT = 1.0
SILENCE = 0.2
"""Seconds without any reply, while one is owed, after which Redis counts as away."""
ONE_TURN = 0.001
PAUSE = 0.5
"""Seconds between two tries to reach it."""
UNANSWERED_BOUND = 10_000
"""Commands that wait to be sent again; beyond it the oldest are forgotten."""
AT_ONCE = 500
"""Of them are sent in one of those `PAUSE`s, so that a Redis that goes on refusing is not asked all day."""
NOT_NOW = re.compile(r"\b(LOADING|MASTERDOWN|READONLY|OOM|CLUSTERDOWN|MISCONF|NOREPLICAS|BUSY|TRYAGAIN)\b")
"""In the words of a Redis that is there, and will do it at another time."""

Command = tuple[str | bytes | int | float, ...]
Refused = Callable[[ResponseError], None]


class NoAnswer(RedisConnectionError):
    """Redis was asked, and may have done it or not."""


class _Again(NamedTuple):
    """What is sent until it is answered."""

    command: Command
    refused: Refused


Owed = asyncio.Future[Any] | Refused | _Again
"""Who waits for a reply; of what was sent without waiting, who wants to know of a no."""


class RedisMux:
    """Of one event loop. While Redis is away every call fails at once, and it is tried again behind."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._pipe: RedisPipe | None = None
        self._owed: deque[Owed] = deque()
        self._unanswered: deque[_Again] = deque(maxlen=UNANSWERED_BOUND)
        self._suspected = False
        self._watch: asyncio.TimerHandle | None = None
        self._first: asyncio.Task[None] | None = None
        self._reconnecting: asyncio.Task[None] | None = None

    @property
    def connected(self) -> bool:
        return self._pipe is not None

    async def call(self, *command: str | bytes | int | float) -> Any:
        """Redis's reply. Raises redis-py's `ConnectionError` while it is away, `ResponseError` for its no.

        `NoAnswer` is the former where the command may have been done.
        """
        return await (await self.ask(*command))

    async def ask(self, *command: str | bytes | int | float) -> "asyncio.Future[Any]":
        """As `call`, but gives what to wait for: what is asked next goes out in the same round trip."""
        if self._first is None or not self._first.done():
            await self.connect()
        if self._pipe is None:
            raise RedisConnectionError("Redis is away")
        reply: asyncio.Future[Any] = self._pipe.loop.create_future()
        self._write(self._pipe, command, reply)
        return reply

    def send(
        self,
        *command: str | bytes | int | float,
        refused: Refused = lambda exc: None,
        again: bool = False,
    ) -> None:
        """As `call`, without waiting. `refused` gets Redis's no. Nothing while Redis is away.

        `again`: is sent once more when Redis is back or can, until it is answered; to be done twice must be
        the same as once.
        """
        owed = _Again(command, refused) if again else refused
        if self._pipe is not None:
            self._write(self._pipe, command, owed)
        elif isinstance(owed, _Again):
            self._unanswered.append(owed)

    def _write(self, pipe: RedisPipe, command: Command, owed: Owed) -> None:
        self._owed.append(owed)
        if self._watch is None:
            self._watch = pipe.loop.call_later(SILENCE, self._check)
        pipe.send(*command)

    async def connect(self) -> None:
        """The first try; does not fail, but goes on behind until Redis is there."""
        if self._first is None:
            self._first = asyncio.create_task(self._open())
            self._reconnecting = asyncio.create_task(self._reconnect(), name="redis")
        await asyncio.wait([self._first])

    async def close(self) -> None:
        for task in filter(None, (self._first, self._reconnecting)):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        pipe, self._pipe = self._pipe, None  # what we end ourselves is not Redis being away
        if pipe:
            pipe.close()
            await asyncio.sleep(0)
        self._lost()

    def _replied(self, answer: Any) -> None:
        if not self._owed:
            return
        owed = self._owed.popleft()
        refusal = _refusal(answer) if isinstance(answer, hiredis.HiredisError) else None
        if isinstance(owed, _Again):
            if refusal:
                self._not_done(owed, refusal)
        elif not isinstance(owed, asyncio.Future):
            if refusal:
                owed(refusal)
        elif not owed.done():  # else its caller has gone
            owed.set_exception(refusal) if refusal else owed.set_result(answer)

    def _not_done(self, owed: _Again, refusal: ResponseError) -> None:
        if NOT_NOW.search(str(refusal)):
            self._unanswered.append(owed)
        else:
            owed.refused(refusal)

    def _check(self) -> None:
        self._watch = None
        if not self._owed or self._pipe is None:
            return
        loop = self._pipe.loop
        left = max(self._pipe.sent_at, self._pipe.heard_at) + SILENCE - loop.time()
        if left > 0:
            self._suspected = False
            self._watch = loop.call_later(left, self._check)
        elif not self._suspected:
            # Once more when what waits was sent and what came was read: a busy process must not blame Redis.
            self._suspected = True
            self._watch = loop.call_later(ONE_TURN, self._check)
        else:
            self._suspected = False
            self._pipe.close()
            self._lost()

    def _lost(self) -> None:
        if self._pipe is not None:
            self._pipe = None
            log.warning("redis_away", owed=len(self._owed))
        while self._owed:
            owed = self._owed.popleft()
            if isinstance(owed, _Again):
                self._unanswered.append(owed)
            elif isinstance(owed, asyncio.Future) and not owed.done():
                owed.set_exception(NoAnswer("Redis does not answer"))

    async def _open(self) -> None:
        with contextlib.suppress(OSError):
            self._pipe = await RedisPipe.connect(
                self._url, on_reply=self._replied, on_lost=self._lost, timeout=CONNECT_TIMEOUT
            )
            log.info("redis_connected")

    async def _reconnect(self) -> None:
        while True:
            await asyncio.sleep(PAUSE)
            if self._pipe is None:
                await self._open()
            self._send_again()

    def _send_again(self) -> None:
        for _ in range(min(AT_ONCE, len(self._unanswered)) if self._pipe is not None else 0):
            command, refused = self._unanswered.popleft()
            self.send(*command, refused=refused, again=True)


def _refusal(answer: hiredis.HiredisError) -> ResponseError:
    kind = NoScriptError if str(answer).startswith("NOSCRIPT") else ResponseError
    return kind(str(answer))


class Script:
    """A Lua script, sent whole only where Redis does not have it yet."""

    def __init__(self, mux: RedisMux, text: str) -> None:
        self._mux = mux
        self._text = text
        self._digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()

    async def __call__(self, keys: list[str], arguments: list[str | int]) -> Any:
        """Raises what `RedisMux.call` raises."""
        given = (len(keys), *keys, *arguments)
        try:
            return await self._mux.call("EVALSHA", self._digest, *given)
        except NoScriptError:
            return await self._mux.call("EVAL", self._text, *given)

    def send(self, keys: list[str], arguments: list[str | int], *, again: bool = False) -> None:
        """As `RedisMux.send`."""
        given = (len(keys), *keys, *arguments)

        def refused(exc: ResponseError) -> None:
            if isinstance(exc, NoScriptError):
                self._mux.send("EVAL", self._text, *given, again=again)

        self._mux.send("EVALSHA", self._digest, *given, refused=refused, again=again)
