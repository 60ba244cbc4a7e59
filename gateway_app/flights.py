"""Identical requests at the same moment are one flight: one call to the vendor, read by everybody who asked.

    landing ── Flights ──┬─ the first to ask here starts a Flight, in a task of its own; the others board it
                         └─ FlightShare: over all workers one Flight leads, those elsewhere follow it in Redis

A flight belongs to nobody: whoever leaves disturbs no other, and when the last one has left it is called off.
Who reads slowly holds nobody up either; only when the fastest reader is far behind does the vendor wait.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial

import structlog

from gateway_app.catalogue import ModelCard
from gateway_app.exceptions import ProviderBadReply, Unavailable
from gateway_app.flight_share import FlightShare, Fly, Kept, lock
from gateway_app.pricing import cost
from gateway_app.types import Chunk, Usage

log = structlog.get_logger()

REPLY_BOUND = 4_000_000
"""Characters: more than any model says, and what one flight may hold in memory."""
AHEAD = 256 * 1024
"""Characters that a flight may be ahead of its fastest reader before the vendor has to wait."""

HANGING_UP = 1.0
"""Seconds that calls to vendors get for their end when the process stops."""

FlyFlight = Callable[["Flight"], AsyncGenerator[Chunk, None]]
"""Asks the vendor, and notes on the flight what it costs."""


@dataclass(slots=True, eq=False)
class Flight:
    """A reply under way, which can be read from its first chunk by anyone at any time."""

    key: str
    payer: object
    """Who started it, and pays for it unless he leaves before it has landed."""
    card: ModelCard | None = None
    usage: Usage | None = None
    """What the vendor has counted so far, here."""
    chunks: list[Chunk] = field(default_factory=list)
    landed: bool = False
    error: BaseException | None = None
    readers: int = 0
    at_landing: list[Callable[[], None]] = field(default_factory=list)
    """What is left to be done for those who have gone before."""
    task: asyncio.Task[None] | None = None
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    _billed_usd: Decimal = Decimal(0)
    _sizes: list[int] = field(default_factory=list)
    """Of the chunks, in characters."""
    _size: int = 0
    _ahead: int = 0
    """Characters that not even the fastest reader has taken."""
    _furthest: int = 0
    """Chunks that he has taken."""
    _listeners: list[asyncio.Future[None]] = field(default_factory=list)

    @property
    def cost_usd(self) -> Decimal | None:
        """So far, here; None where the price is not known."""
        return cost(self.usage, self.card.price) if self.usage and self.card else Decimal(0)

    @property
    def crowded(self) -> bool:
        """Nobody reads as fast as the vendor speaks. Not without readers: those elsewhere must not wait."""
        return self._ahead > AHEAD and self.readers > 0

    def add(self, chunk: Chunk) -> None:
        """Raises `ProviderBadReply` for a reply without end."""
        size = chunk.size
        self._size += size
        self._ahead += size
        if self._size > REPLY_BOUND:
            raise ProviderBadReply(f"the vendor's reply is longer than {REPLY_BOUND} characters")
        self.chunks.append(chunk)
        self._sizes.append(size)
        self._tell()

    def land(self, error: BaseException | None = None) -> None:
        """The second time, nothing."""
        if self.landed:
            return
        self.landed, self.error = True, error
        self._tell()
        for act in self.at_landing:
            try:
                act()
            except Exception:  # of one who has gone; the others' must be done
                log.exception("not_done_at_landing", flight=self.key[:12])

    async def read(self) -> AsyncGenerator[Chunk, None]:
        """Every chunk, as it comes. Raises what the flight failed with."""
        place = 0
        while True:
            while place < len(self.chunks):
                place += 1
                chunk = self.chunks[place - 1]
                if place > self._furthest:
                    self._furthest = place
                    self._ahead -= self._sizes[place - 1]
                yield chunk
            if self.landed:
                break
            await self._news()
        if self.error is not None:
            raise self.error

    def bill(self, reader: object) -> Decimal | None:
        """What `reader`, who leaves now, is charged: what the flight has cost and nobody has paid.

        The payer pays; what comes after he has left is for the first who hears the end. None: not known.
        """
        if reader is not self.payer and not (self.payer is None and self.landed):
            return Decimal(0)
        self.payer = None
        spent = self.cost_usd
        if spent is None:
            return None
        due, self._billed_usd = spent - self._billed_usd, spent
        return due

    def _news(self) -> "asyncio.Future[None]":
        """Comes with the next chunk, or the end."""
        news: asyncio.Future[None] = self.loop.create_future()
        self._listeners.append(news)
        return news

    def _tell(self) -> None:
        listeners, self._listeners = self._listeners, []
        for news in listeners:
            if not news.done():  # its reader has gone
                news.set_result(None)


class Flights:
    """Those of this process."""

    def __init__(self, share: FlightShare) -> None:
        self._share = share
        self._flights: dict[str, Flight] = {}

    def lock(self, key: str) -> str:
        """What has to be got before the flight under `key` is started; "" where one is under way here."""
        return "" if key in self._flights else lock(key)

    def release(self, key: str, token: str) -> None:
        """The lock of a flight that `token` will not start after all."""
        self._share.release(key, token)

    def board(self, key: str, reader: object, fly: FlyFlight, *, kept: Kept, leads_as: str = "") -> Flight:
        """The flight under `key`; where there is none, `reader` starts one that asks the vendor by `fly`.

        `leads_as`: what the flight's lock holds, where `reader` has got it already.
        """
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = Flight(key, payer=reader)
            flight.task = flight.loop.create_task(self._pilot(flight, partial(fly, flight), kept, leads_as))
        elif leads_as:
            self.release(key, leads_as)
        flight.readers += 1
        return flight

    def leave(self, flight: Flight) -> bool:
        """A reader is done, or gone. True where he was the last one here, and those elsewhere read on."""
        flight.readers -= 1
        if flight.readers or flight.landed:
            return False
        if self._share.wanted_elsewhere(flight.key):
            return True
        self._call_off(flight)
        return False

    async def start(self) -> None:
        await self._share.start(on_unwanted=self._unwanted)

    async def stop(self) -> None:
        await self._share.stop()
        flying = list(self._flights.values())
        for flight in flying:
            self._call_off(flight)
        if tasks := [flight.task for flight in flying if flight.task]:
            await asyncio.wait(tasks, timeout=HANGING_UP)
        for flight in flying:  # those too that a vendor keeps from their end: the ledger is closed next
            flight.land(Unavailable("the gateway stops"))

    def _unwanted(self, key: str) -> None:
        """The last reader elsewhere has gone."""
        flight = self._flights.get(key)
        if flight and not flight.readers and not flight.landed:
            self._call_off(flight)

    def _call_off(self, flight: Flight) -> None:
        if self._flights.get(flight.key) is flight:
            del self._flights[flight.key]
        if flight.task:
            flight.task.cancel()

    async def _pilot(self, flight: Flight, fly: Fly, kept: Kept, leads_as: str) -> None:
        error: BaseException | None = None
        try:
            source = self._share.fly(
                flight.key, fly, kept=kept, crowded=lambda: flight.crowded, leads_as=leads_as
            )
            async with aclosing(await source) as chunks:
                async for chunk in chunks:
                    flight.add(chunk)
        except asyncio.CancelledError:
            raise
        except Exception as exc:  # noqa: BLE001 - every reader gets it
            error = exc
        finally:
            # Before the readers learn of it: whoever asks from now on finds the cache, or flies anew.
            if self._flights.get(flight.key) is flight:
                del self._flights[flight.key]
            flight.land(error)
