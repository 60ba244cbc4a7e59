"""Load over raw sockets: a fixed number of connections, each of which asks again as soon as it was answered.

Every reply is checked while it is measured: one wrong word, and the measurement is void.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol, cast


class Void(Exception):
    """A reply was not what it must be; the message shows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    head: bytes
    """Status line and headers."""
    body: bytes
    """Without the marks of the transfer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    request: bytes
    """As it goes over the wire."""
    right: Callable[[Reply], bool]


class Asks(Protocol):
    def __call__(self, number: int) -> Ask: ...


@dataclass(frozen=True, kw_only=True)
class Measured:
    seconds: float
    latencies: list[float]
    """Seconds, of each reply."""
    first_pieces: list[float] = field(default_factory=list)
    """Seconds until the first piece of each reply."""

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds


class _Connection(asyncio.Protocol):
    """One request after the other; `next_ask` gives None when it is enough."""

    def __init__(self, next_ask: Callable[[], Ask | None], mark: bytes) -> None:
        self._next_ask = next_ask
        self._mark = mark
        self._pieces: list[bytes] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.latencies: list[float] = []
        self.first_pieces: list[float] = []
        self._began = 0.0
        self._first: float | None = None
        self._length: int | None = None
        """Bytes of the whole reply; -1: it is chunked, None: not known yet."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)
        self._go_on()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(Void(f"the connection ended: {b''.join(self._pieces)[-300:]!r}"))

    def data_received(self, data: bytes) -> None:
        self._pieces.append(data)
        if self._first is None and self._mark in data:
            self._first = time.perf_counter() - self._began
        # Without a length it is chunked, and the last chunk is the empty one.
        if self._length is None:
            self._length = _length(b"".join(self._pieces))
        if self._length is None:
            return
        ended = data.endswith(b"0\r\n\r\n") if self._length < 0 else self._has(self._length)
        if ended:
            self._finish(b"".join(self._pieces))

    def _has(self, size: int) -> bool:
        return sum(map(len, self._pieces)) >= size

    def _finish(self, raw: bytes) -> None:
        took = time.perf_counter() - self._began
        head, _, body = raw.partition(b"\r\n\r\n")
        reply = Reply(head=head, body=dechunked(body) if self._length == -1 else body)
        if not head.startswith(b"HTTP/1.1 200") or not self._ask.right(reply):
            self._stop(Void(f"asked {self._ask.request[-200:]!r}, answered {raw[:1500]!r}"))
            return
        self.latencies.append(took)
        self.first_pieces.append(self._first if self._first is not None else took)
        self._go_on()

    def _go_on(self) -> None:
        ask = self._next_ask()
        if ask is None:
            self._stop(None)
            return
        self._ask, self._length, self._first = ask, None, None
        self._pieces.clear()
        self._began = time.perf_counter()
        self._transport.write(ask.request)

    def _stop(self, error: Exception | None) -> None:
        if not self.done.done():
            if error:
                self.done.set_exception(error)
            else:
                self.done.set_result(None)
        self._transport.close()


def _length(raw: bytes) -> int | None:
    """Of the reply that begins with `raw`; -1: it is chunked, None: its headers are not all there yet."""
    end = raw.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = raw[:end].lower()
    at = head.find(b"\r\ncontent-length:")
    return -1 if at < 0 else end + 4 + int(head[at + 17 :].split(b"\r\n", 1)[0])


def dechunked(body: bytes) -> bytes:
    """RFC 9112, 7.1, without extensions and trailers."""
    pieces: list[bytes] = []
    place = 0
    while True:
        end = body.index(b"\r\n", place)
        size = int(body[place:end], 16)
        if not size:
            return b"".join(pieces)
        pieces.append(body[end + 2 : end + 2 + size])
        place = end + 4 + size


async def _measure(port: int, connections: int, next_ask: Callable[[], Ask | None], mark: bytes) -> Measured:
    loop, began = asyncio.get_running_loop(), time.perf_counter()
    made = [
        await loop.create_connection(lambda: _Connection(next_ask, mark), "127.0.0.1", port)
        for _ in range(connections)
    ]
    used = [protocol for _, protocol in made]
    try:
        await asyncio.gather(*(connection.done for connection in used))
    finally:
        for transport, _ in made:
            transport.close()
    return Measured(
        seconds=time.perf_counter() - began,
        latencies=[took for connection in used for took in connection.latencies],
        first_pieces=[took for connection in used for took in connection.first_pieces],
    )


async def for_seconds(
    port: int, asks: Asks, numbers: Iterator[int], *, connections: int, seconds: float
) -> Measured:
    """As many requests as get answers in `seconds`, or as there are `numbers`. Raises `Void`."""
    until = time.perf_counter() + seconds

    def next_ask() -> Ask | None:
        number = next(numbers, None) if time.perf_counter() < until else None
        return None if number is None else asks(number)

    return await _measure(port, connections, next_ask, b"HTTP/1.1")


async def once_each(
    port: int, asks: Asks, numbers: Iterator[int], *, connections: int, mark: bytes
) -> Measured:
    """One request on each of many connections at once; a reply's first piece is the one with `mark` in it."""
    left = connections

    def next_ask() -> Ask | None:
        nonlocal left
        left -= 1
        return asks(next(numbers)) if left >= 0 else None

    return await _measure(port, connections, next_ask, mark)
