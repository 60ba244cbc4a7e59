"""Identical requests at the same moment are one call to the vendor, over all workers, and harm nobody."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from decimal import Decimal

import pytest
from msgspec.structs import replace

from gateway_app import flight_share
from gateway_app.catalogue import ModelCard
from gateway_app.exceptions import ProviderBadReply, ProviderRateLimited, ProviderUnavailable
from gateway_app.flight_share import FlightShare
from gateway_app.flights import Flight, Flights
from gateway_app.pricing import Price, Rates
from gateway_app.redis_mux import RedisMux
from gateway_app.tests.conftest import until
from gateway_app.types import Chunk, Completion, ToolCall, Usage
from llmgateway import embedded

WORDS = [f"word{number} " for number in range(10)]
TEXT = "".join(WORDS)
COST = Decimal("0.01")
CARD = ModelCard(name="m", provider="p", price=Price(standard=Rates(input=Decimal(0), output=Decimal(1))))
SPENT = Usage(output_tokens=10_000)
"""What costs `COST`."""


@dataclass
class Vendor:
    """Says `words`, one every `pause` seconds; counts who asks and who hangs up."""

    words: list[str] = field(default_factory=lambda: list(WORDS))
    pause: float = 0.02
    error: Exception | None = None
    calls: int = 0
    hung_up: int = 0
    kept: Completion | None = None

    async def fly(self, flight: Flight) -> AsyncGenerator[Chunk, None]:
        self.calls += 1
        finished = False
        try:
            for word in self.words:
                await asyncio.sleep(self.pause)
                flight.card, flight.usage = CARD, SPENT
                yield Chunk(text=word)
            if self.error:
                raise self.error
            self.kept = Completion(text="".join(self.words), finish_reason="stop", usage=Usage(), model="m")
            yield Chunk(finish_reason="stop", usage=Usage(total_tokens=7))
            finished = True
        finally:
            self.hung_up += not finished

    async def look(self) -> Completion | None:
        return self.kept


@dataclass(eq=False)
class Caller:
    """One of many who ask the same."""

    flights: Flights
    vendor: Vendor
    key: str = "k"
    leads_as: str = ""
    text: str = ""
    paid: Decimal | None = None

    async def ask(self, *, until_text: str | None = None) -> str:
        flight = self.flights.board(
            self.key, self, self.vendor.fly, kept=self.vendor.look, leads_as=self.leads_as
        )
        try:
            async with aclosing(flight.read()) as chunks:
                async for chunk in chunks:
                    self.text += chunk.text
                    if until_text and until_text in self.text:
                        break
        finally:
            self.flights.leave(flight)
            self.paid = flight.bill(self)
        return self.text


Worker = Callable[[], Flights]


async def test_five_hundred_over_two_workers_make_one_call(workers: list[Flights]) -> None:
    vendor = Vendor()
    callers = [Caller(workers[number % 2], vendor) for number in range(500)]
    assert set(await asyncio.gather(*(caller.ask() for caller in callers))) == {TEXT}
    assert vendor.calls == 1


async def test_one_of_them_pays(workers: list[Flights]) -> None:
    callers = [Caller(workers[number % 2], Vendor()) for number in range(20)]
    await asyncio.gather(*(caller.ask() for caller in callers))
    assert sorted(caller.paid or Decimal(0) for caller in callers)[-2:] == [0, COST]


async def test_a_follower_elsewhere_hears_it_live(workers: list[Flights]) -> None:
    vendor = Vendor(pause=0.05)
    leader = asyncio.create_task(Caller(workers[0], vendor).ask())
    await asyncio.sleep(0.06)
    follower = Caller(workers[1], vendor)
    following = asyncio.create_task(follower.ask())
    await until(lambda: follower.text, within=0.4)
    assert not leader.done()
    assert await following == TEXT
    assert vendor.calls == 1


async def test_one_who_leaves_disturbs_nobody_and_another_pays_the_rest(workers: list[Flights]) -> None:
    vendor = Vendor()
    first, second = (Caller(workers[0], vendor) for _ in range(2))
    leaving = asyncio.create_task(first.ask(until_text="word2"))
    staying = asyncio.create_task(second.ask())
    await leaving
    assert await staying == TEXT
    assert (vendor.calls, vendor.hung_up) == (1, 0)
    assert (first.paid, second.paid) == (COST, 0)


async def test_when_the_last_has_left_the_vendor_is_hung_up_on(workers: list[Flights]) -> None:
    vendor = Vendor(pause=0.1)
    callers = [asyncio.create_task(Caller(workers[0], vendor).ask()) for _ in range(3)]
    await asyncio.sleep(0.15)
    for caller in callers:
        caller.cancel()
    await until(lambda: vendor.hung_up == 1, within=0.5)


async def test_a_leader_whose_own_callers_left_flies_on_for_those_elsewhere(workers: list[Flights]) -> None:
    vendor = Vendor(pause=0.05)
    leading = asyncio.create_task(Caller(workers[0], vendor).ask())
    await asyncio.sleep(0.06)
    follower = asyncio.create_task(Caller(workers[1], vendor).ask())
    await asyncio.sleep(0.2)
    leading.cancel()
    assert await follower == TEXT
    assert (vendor.calls, vendor.hung_up) == (1, 0)


async def test_and_no_longer_than_they_want_it(
    workers: list[Flights], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flight_share, "WANTED_MS", 200)
    vendor = Vendor(pause=0.2)
    leading = asyncio.create_task(Caller(workers[0], vendor).ask())
    await asyncio.sleep(0.05)
    follower = asyncio.create_task(Caller(workers[1], vendor).ask())
    await asyncio.sleep(0.2)
    leading.cancel()
    follower.cancel()
    await until(lambda: vendor.hung_up == 1, within=1)


async def test_a_leader_that_is_killed_is_replaced_and_followers_hear_no_word_twice(
    workers: list[Flights], redis_server: embedded.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flight_share, "LOCK_MS", 300)
    monkeypatch.setattr(flight_share, "TICKS_TO_RENEW", 1)
    vendor = Vendor(pause=0.05)
    doomed = RedisMux(redis_server.url)
    leader = Flights(FlightShare(doomed))
    await leader.start()
    dying = asyncio.create_task(Caller(leader, vendor).ask())
    await asyncio.sleep(0.06)
    followers = [Caller(workers[number % 2], vendor) for number in range(20)]
    following = [asyncio.create_task(follower.ask()) for follower in followers]
    await until(lambda: followers[0].text, within=1)
    await doomed.close()  # as a kill does: no last word, no renewal
    assert set(await asyncio.gather(*following)) == {TEXT}
    assert vendor.calls == 2
    dying.cancel()
    await leader.stop()


CALL = ToolCall(id="call_1", name="get_weather", arguments="{}")
OTHER_CALL = replace(CALL, id="call_2")


@pytest.mark.parametrize(
    ("heard", "new"),
    [
        ([Chunk(text="word0 word1")], Chunk(text="word0 something else")),
        ([Chunk(text="word0 word1")], Chunk(text="word0", finish_reason="stop")),
        ([Chunk(tool_calls=(CALL,))], Chunk(tool_calls=(OTHER_CALL,))),
    ],
)
async def test_a_replacement_that_says_something_else_is_an_error_and_no_mixture(
    heard: list[Chunk], new: Chunk
) -> None:
    with pytest.raises(ProviderBadReply, match="died"):
        [chunk async for chunk in flight_share.resumed(said(new), heard)]


async def test_a_replacement_repeats_no_word_and_no_call() -> None:
    heard = [Chunk(text="word0 "), Chunk(tool_calls=(CALL,))]
    new = said(Chunk(text="word0 word1 "), Chunk(tool_calls=(CALL, OTHER_CALL), finish_reason="tool_calls"))
    first, second = [chunk async for chunk in flight_share.resumed(new, heard)]
    assert (first.text, second.tool_calls) == ("word1 ", (OTHER_CALL,))


async def said(*chunks: Chunk) -> AsyncGenerator[Chunk, None]:
    for chunk in chunks:
        yield chunk


async def test_an_error_reaches_everybody_and_is_the_same_error(workers: list[Flights]) -> None:
    vendor = Vendor(pause=0.05, error=ProviderRateLimited("slow down"))
    callers = [Caller(workers[number % 2], vendor) for number in range(10)]
    found = await asyncio.gather(*(caller.ask() for caller in callers), return_exceptions=True)
    assert {type(error) for error in found} == {ProviderRateLimited}
    assert vendor.calls == 1


async def test_after_a_failure_the_next_one_asks_again(workers: list[Flights]) -> None:
    vendor = Vendor(words=[], error=ProviderUnavailable("away"))
    with pytest.raises(ProviderUnavailable):
        await Caller(workers[0], vendor).ask()
    vendor.error = None
    await Caller(workers[1], vendor).ask()
    assert vendor.calls == 2


async def test_who_asks_when_the_reply_has_just_been_kept_asks_no_vendor(workers: list[Flights]) -> None:
    vendor = Vendor(kept=Completion(text=TEXT, finish_reason="stop", usage=Usage(), model="m"))
    assert await Caller(workers[0], vendor).ask() == TEXT
    assert vendor.calls == 0
    vendor.kept = None
    assert await Caller(workers[1], vendor).ask() == TEXT  # the lock is free again
    assert vendor.calls == 1


async def test_who_comes_just_after_the_landing_elsewhere_finds_the_reply_in_the_cache(
    workers: list[Flights],
) -> None:
    vendor = Vendor(pause=0.01)
    leader = asyncio.create_task(Caller(workers[0], vendor).ask())
    await asyncio.sleep(0.08)
    assert await Caller(workers[1], vendor).ask() == TEXT
    await leader
    assert vendor.calls == 1


async def test_different_questions_are_different_flights(workers: list[Flights]) -> None:
    vendor = Vendor()
    await asyncio.gather(*(Caller(workers[0], vendor, key=f"k{number}").ask() for number in range(5)))
    assert vendor.calls == 5


async def test_without_redis_each_worker_asks_for_itself(
    workers: list[Flights], redis_server: embedded.Server
) -> None:
    redis_server.child.kill()
    vendor = Vendor()
    callers = [Caller(workers[number % 2], vendor) for number in range(20)]
    assert set(await asyncio.gather(*(caller.ask() for caller in callers))) == {TEXT}
    assert vendor.calls == 2
