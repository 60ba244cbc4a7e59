"""Whether and when to try again, fall back, or leave a vendor alone."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

import pytest
from msgspec.structs import replace

from gateway_app.calls import Call
from gateway_app.catalogue import Catalogue, ModelCard
from gateway_app.circuits import Circuits
from gateway_app.exceptions import (
    CircuitOpen,
    ProviderBadReply,
    ProviderDenied,
    ProviderError,
    ProviderRateLimited,
    ProviderRefused,
    ProviderTimeout,
    ProviderUnavailable,
)
from gateway_app.pacing import Patience
from gateway_app.providers.base import Provider
from gateway_app.redis_mux import RedisMux
from gateway_app.requests import Caller, ChatRequest
from gateway_app.retrying import RetryPolicy
from gateway_app.tests.conftest import ask, until
from gateway_app.types import LONGEST_PIECE, Chunk, CompletionRequest, Usage
from gateway_app.upstream import Upstream
from llmgateway import embedded

POLICY = RetryPolicy(tries=3, base=1.0, cap=4.0)


def wait(error: ProviderError, *, tried: int = 1, left: float = 60.0, chance: float = 1.0) -> float | None:
    return POLICY.wait(error, tried=tried, left=left, chance=chance)


def test_waits_grow_up_to_a_cap_and_are_jittered_over_their_whole_length() -> None:
    policy = RetryPolicy(tries=9, base=1.0, cap=4.0)
    error = ProviderUnavailable("away")
    assert [policy.wait(error, tried=n, left=60, chance=1.0) for n in (1, 2, 3, 4)] == [1, 2, 4, 4]
    assert policy.wait(error, tried=3, left=60, chance=0.0) == 0


def test_the_vendors_own_delay_is_honoured_unless_it_is_too_long() -> None:
    assert wait(ProviderRateLimited("slow", retry_after=3.0), chance=0.0) == 3.0
    assert wait(ProviderRateLimited("slow", retry_after=36_000.0)) is None


def test_nothing_is_tried_for_ever_or_past_the_deadline() -> None:
    assert wait(ProviderUnavailable("away"), tried=3) is None
    assert wait(ProviderUnavailable("away"), left=0.5) is None


@pytest.mark.parametrize("kind", [ProviderRefused, ProviderDenied, CircuitOpen])
def test_what_cannot_get_better_is_not_tried_again(kind: type[ProviderError]) -> None:
    assert wait(kind("no")) is None


@dataclass
class Vendor(Provider):
    """Answers in turn what it was given: words, or an error; and then always `ok`."""

    script: list[str | ProviderError] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    async def stream(self, request: CompletionRequest, *, whole: bool = False) -> AsyncGenerator[Chunk, None]:
        self.asked.append(request.model)
        turn = self.script.pop(0) if self.script else "ok"
        if isinstance(turn, ProviderError):
            raise turn
        head, _, tail = turn.partition("|")
        yield Chunk(text=head)
        if tail == "cut":
            raise ProviderBadReply("cut")
        yield Chunk(finish_reason="stop", usage=Usage(total_tokens=1))


CARDS = {
    "first": ModelCard(name="first", provider="v", fallbacks=("second", "elsewhere")),
    "second": ModelCard(name="second", provider="v"),
    "elsewhere": ModelCard(name="elsewhere", provider="absent"),
}


def upstream(
    vendor: Vendor, *, tries: int = 2, total: float = 5.0, circuits: Circuits | None = None
) -> Upstream:
    return Upstream(
        catalogue=Catalogue(CARDS, prefixes={}),
        providers={"v": vendor},
        patience=Patience(first=1, idle=1, total=total),
        policy=RetryPolicy(tries=tries, base=0.001, cap=0.01),
        circuits=circuits or Circuits(),
        chance=lambda: 0.5,
    )


def new_call() -> Call:
    caller = Caller(project_id=None, project="p")
    return Call(ChatRequest(request_id="r", caller=caller, surface="chat", stream=True))


async def answer(source: Upstream, call: Call) -> str:
    candidates = source.candidates(CARDS["first"])
    return "".join([chunk.text async for chunk in source.stream(ask("hi", "first"), candidates, call)])


async def test_what_a_vendor_says_at_once_is_passed_on_in_pieces() -> None:
    """Each reader holds a copy of what he does not take."""
    said = "word " * 10_000
    source = upstream(Vendor([said])).stream(ask("hi", "first"), [CARDS["first"]], new_call())
    texts = [chunk.text async for chunk in source]
    assert "".join(texts) == said
    assert max(map(len, texts)) == LONGEST_PIECE


def test_what_a_chunk_carries_besides_its_text_comes_with_the_last_piece() -> None:
    chunk = Chunk(text="x" * (LONGEST_PIECE + 1), finish_reason="stop", usage=Usage(total_tokens=1))
    first, last = chunk.pieces()
    assert (first, last) == (Chunk(text="x" * LONGEST_PIECE), replace(chunk, text="x"))


async def test_a_failure_that_passes_is_never_seen() -> None:
    vendor, call = Vendor([ProviderUnavailable("away")]), new_call()
    assert await answer(upstream(vendor), call) == "ok"
    assert [(attempt.model, attempt.error) for attempt in call.attempts] == [
        ("first", "provider_unavailable"),
        ("first", None),
    ]


async def test_after_its_tries_the_fallback_answers() -> None:
    vendor, call = Vendor([ProviderUnavailable("away"), ProviderTimeout("late")]), new_call()
    assert await answer(upstream(vendor), call) == "ok"
    assert vendor.asked == ["first", "first", "second"]
    assert call.card == CARDS["second"]


async def test_wrong_credentials_go_straight_to_the_fallback() -> None:
    vendor = Vendor([ProviderDenied("no")])
    assert await answer(upstream(vendor), new_call()) == "ok"
    assert vendor.asked == ["first", "second"]


async def test_a_request_that_the_vendor_refuses_is_refused() -> None:
    vendor = Vendor([ProviderRefused("too long")])
    with pytest.raises(ProviderRefused):
        await answer(upstream(vendor), new_call())
    assert vendor.asked == ["first"]


async def test_after_the_first_word_there_is_no_other_try() -> None:
    vendor = Vendor(["half|cut"])
    with pytest.raises(ProviderBadReply):
        await answer(upstream(vendor), new_call())
    assert vendor.asked == ["first"]


async def test_when_all_fail_the_last_one_says_why() -> None:
    vendor = Vendor([ProviderUnavailable("away")] * 2 + [ProviderTimeout("late")] * 2)
    with pytest.raises(ProviderTimeout):
        await answer(upstream(vendor), new_call())
    assert vendor.asked == ["first", "first", "second", "second"]


async def test_one_deadline_holds_for_all_tries_together() -> None:
    vendor = Vendor([ProviderRateLimited("slow", retry_after=0.009)] * 1000)
    began = asyncio.get_running_loop().time()
    with pytest.raises(ProviderRateLimited):
        await answer(upstream(vendor, tries=1000, total=0.2), new_call())
    assert asyncio.get_running_loop().time() - began < 0.5


async def test_a_model_that_keeps_failing_is_left_alone_and_probed_later() -> None:
    now = [1000.0]
    circuits = Circuits(threshold=2, pause=10, clock=lambda: now[0])
    vendor = Vendor([ProviderUnavailable("away")] * 2)
    source = upstream(vendor, tries=2, circuits=circuits)
    assert await answer(source, new_call()) == "ok"
    assert circuits.open_now() == ["v/first"]
    vendor.asked.clear()
    assert await answer(source, new_call()) == "ok"
    assert vendor.asked == ["second"]
    now[0] += 10
    vendor.asked.clear()
    assert await answer(source, new_call()) == "ok"
    assert vendor.asked == ["first"]
    assert circuits.open_now() == []


async def test_a_circuit_that_one_worker_opens_is_open_in_the_others(redis_server: embedded.Server) -> None:
    connections = [RedisMux(redis_server.url) for _ in range(2)]
    one, other = (Circuits(shared=shared, threshold=2, pause=30, interval=0.02) for shared in connections)
    await one.start()
    await other.start()
    try:
        one.failed("v/first")
        one.failed("v/first")
        await until(lambda: not other.allows("v/first"))
        one.succeeded("v/first")
        await until(lambda: other.allows("v/first"))
    finally:
        for circuits, connection in zip((one, other), connections, strict=True):
            await circuits.stop()
            await connection.close()
