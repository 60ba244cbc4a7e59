"""A call that is hung up takes a while, and what is left to do then is done."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

import pytest

from gateway_app import flights
from gateway_app.exceptions import Unavailable
from gateway_app.flights import Flight, Flights
from gateway_app.tests.test_coalescing import TEXT, Caller, Vendor
from gateway_app.types import Chunk
from llmgateway import embedded


@dataclass
class SlowToHangUp(Vendor):
    async def fly(self, flight: Flight) -> AsyncGenerator[Chunk, None]:
        async with aclosing(super().fly(flight)) as chunks:
            try:
                async for chunk in chunks:
                    yield chunk
            finally:
                await asyncio.sleep(0.1)


async def test_who_asks_while_a_call_is_still_being_hung_up_is_undisturbed(
    workers: list[Flights], redis_server: embedded.Server
) -> None:
    redis_server.child.kill()
    vendor = SlowToHangUp()
    assert await Caller(workers[0], vendor).ask(until_text="word0")
    assert await Caller(workers[0], vendor).ask() == TEXT
    assert vendor.calls == 2


async def test_what_is_left_to_do_at_a_landing_is_done_at_a_stop_too_once_and_whatever_fails(
    workers: list[Flights], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flights, "HANGING_UP", 0.05)
    done: list[str] = []

    def fails() -> None:
        raise RuntimeError("of one who has gone")

    flight = workers[0].board("k", object(), SlowToHangUp().fly, kept=Vendor().look)
    flight.at_landing += [fails, lambda: done.append("paid")]
    await asyncio.sleep(0.05)
    await workers[0].stop()
    assert done == ["paid"]
    with pytest.raises(Unavailable):
        [chunk async for chunk in flight.read()]
    await asyncio.sleep(0.2)
    assert done == ["paid"]
