"""A Redis connection that is written to without waiting: replies come later, in order."""

import asyncio
import ssl
from collections.abc import Callable
from typing import Any, cast

import hiredis
from redis.asyncio.connection import parse_url

Reply = Callable[[Any], None]


class RedisPipe(asyncio.Protocol):
    """What is sent in one turn of the event loop goes to the kernel together, when the turn is over.

    Whoever sends and then lets the loop turn once (`asyncio.sleep(0)`) knows that it outlives this process.

    `on_reply` gets each reply in the order of the commands; `on_lost` is called when the connection ends.
    """

    def __init__(self, *, on_reply: Reply, on_lost: Callable[[], None]) -> None:
        self.loop = asyncio.get_running_loop()  # kept: Python 3.11 asks the kernel for it each time
        self._reader = hiredis.Reader()
        self._on_reply = on_reply
        self._on_lost = on_lost
        self._greeting: list[asyncio.Future[Any]] = []
        self._transport: asyncio.WriteTransport | None = None
        self._unsent: list[bytes] = []
        self.heard_at = 0.0
        """When bytes came last, on the loop's clock: a long reply takes its time."""
        self.sent_at = 0.0
        """When bytes went out first since some came last."""

    @classmethod
    async def connect(
        cls, url: str, *, on_reply: Reply, on_lost: Callable[[], None], timeout: float
    ) -> "RedisPipe":
        """Raises `OSError` (a `TimeoutError` too) where Redis is away or refuses us."""
        pipe = cls(on_reply=on_reply, on_lost=on_lost)
        try:
            async with asyncio.timeout(timeout):
                await pipe._open(url)
        except BaseException:
            pipe.close()
            raise
        return pipe

    async def _open(self, url: str) -> None:
        options: dict[str, Any] = dict(parse_url(url))
        if path := options.get("path"):
            await self.loop.create_unix_connection(lambda: self, path)
        else:
            host, port = options.get("host", "localhost"), options.get("port", 6379)
            trusted = options.get("ssl_ca_certs")  # None: those whom the machine trusts, or SSL_CERT_FILE
            secure = ssl.create_default_context(cafile=trusted) if url.startswith("rediss") else None
            await self.loop.create_connection(lambda: self, host, port, ssl=secure)
        if password := options.get("password"):
            await self._greet("AUTH", *filter(None, (options.get("username"), password)))
        await self._greet("SELECT", str(options.get("db", 0)))

    async def _greet(self, *command: str) -> None:
        answer: asyncio.Future[Any] = self.loop.create_future()
        self._greeting.append(answer)
        self.send(*command)
        reply = await answer
        if isinstance(reply, hiredis.HiredisError):
            raise ConnectionRefusedError(f"Redis refuses {command[0]}")

    def send(self, *command: str | bytes | int | float) -> None:
        if not self._unsent:
            self.loop.call_soon(self.flush)
        self._unsent.append(hiredis.pack_command(command))  # type: ignore[arg-type]

    def flush(self) -> None:
        """At once, for whom no turn of the loop is left."""
        unsent, self._unsent = self._unsent, []
        if unsent and self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join(unsent))
            if self.sent_at <= self.heard_at:
                self.sent_at = self.loop.time()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's is one in all but name

    def data_received(self, data: bytes) -> None:
        self.heard_at = self.loop.time()
        self._reader.feed(data)
        while (reply := self._reader.gets()) is not False:
            if self._greeting:
                self._greeting.pop(0).set_result(reply)
            else:
                self._on_reply(reply)

    def connection_lost(self, exc: Exception | None) -> None:
        for answer in self._greeting:
            if not answer.done():
                answer.set_exception(exc or ConnectionResetError("Redis closed the connection"))
        self._on_lost()
