"""The simulator counts what happens to it, so that a test can ask."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest

from gateway_app.testing.request_log import Received, RequestLog
from gateway_app.testing.simulator import Simulator

WHOLE = "/v1beta/models/gemini-2.5-flash:generateContent"
STREAM = "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse"
BODY: dict[str, Any] = {"contents": [{"parts": [{"text": "Write 40 words about ships"}]}]}
NOTICED = 0.1
"""Seconds within which a client's leaving must show."""


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator(chunk_delay_ms=30) as running:
        yield running


@pytest.fixture
async def http(sim: Simulator) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(sim.url, headers={"x-goog-api-key": "k"}) as session:
        yield session


async def soon(holds: Callable[[], bool], within: float = NOTICED) -> bool:
    """Whether `holds` within so many seconds."""
    for _ in range(round(within / 0.005)):
        if holds():
            return True
        await asyncio.sleep(0.005)
    return holds()


async def test_calls_are_counted_by_method(sim: Simulator, http: aiohttp.ClientSession) -> None:
    for path in (WHOLE, WHOLE, STREAM):
        async with http.post(path, json=BODY) as reply:
            await reply.read()
    stats = sim.stats()
    assert (stats.calls, stats.by_method) == (3, {"generateContent": 2, "streamGenerateContent": 1})
    assert (stats.streams_opened, stats.streams_finished, stats.chunks_sent) == (1, 1, 8)
    assert (stats.in_flight, stats.calls_cancelled) == (0, 0)


async def test_an_open_stream_is_open_until_its_client_leaves(
    sim: Simulator, http: aiohttp.ClientSession
) -> None:
    async with http.post(STREAM, json=BODY) as reply:
        await reply.content.readany()
        assert (sim.stats().streams_open, sim.stats().in_flight) == (1, 1)
    assert await soon(lambda: sim.stats().streams_cancelled == 1)
    assert (sim.stats().streams_open, sim.stats().calls_cancelled, sim.stats().streams_finished) == (0, 1, 0)


@pytest.mark.parametrize("path", [WHOLE, STREAM])
async def test_a_client_that_leaves_a_hanging_call_is_noticed(
    sim: Simulator, http: aiohttp.ClientSession, path: str
) -> None:
    await sim.fault("hang")
    waiting = asyncio.create_task(http.post(path, json=BODY).__aenter__())
    assert await soon(lambda: sim.stats().in_flight == 1, within=1)
    waiting.cancel()
    assert await soon(lambda: sim.stats().calls_cancelled == 1)
    assert sim.stats().in_flight == 0


async def test_a_client_that_leaves_a_stalled_stream_is_noticed(
    sim: Simulator, http: aiohttp.ClientSession
) -> None:
    await sim.fault("stall", after=1)
    async with http.post(STREAM, json=BODY) as reply:
        await reply.content.readany()
    assert await soon(lambda: sim.stats().streams_cancelled == 1)


@pytest.mark.parametrize("kind", ["cut", "reset"])
async def test_a_stream_that_the_simulator_breaks_is_not_cancelled(
    sim: Simulator, http: aiohttp.ClientSession, kind: str
) -> None:
    await sim.fault(kind)
    with pytest.raises((aiohttp.ClientPayloadError, ConnectionError)):
        async with http.post(STREAM, json=BODY) as reply:
            await reply.read()
    assert await soon(lambda: sim.stats().streams_broken == 1)
    assert (sim.stats().streams_cancelled, sim.stats().calls_cancelled) == (0, 0)


async def test_a_refused_stream_never_opened(sim: Simulator, http: aiohttp.ClientSession) -> None:
    await sim.fault("429")
    async with http.post(STREAM, json=BODY) as reply:
        await reply.read()
    assert (sim.stats().calls, sim.stats().streams_opened) == (1, 0)


async def test_the_first_text_arrives_before_the_second_chunk_leaves(
    sim: Simulator, http: aiohttp.ClientSession
) -> None:
    async with http.post(STREAM, json=BODY) as reply:
        await reply.content.readany()
        assert sim.stats().last_stream.second_chunk is None
        await reply.read()
    first, second = sim.stats().last_stream.first_chunk, sim.stats().last_stream.second_chunk
    assert first is not None
    assert second is not None
    assert second.monotonic - first.monotonic >= 0.03
    assert second.wall_ms - first.wall_ms == pytest.approx(1000 * (second.monotonic - first.monotonic), abs=5)


async def test_what_was_sent_can_be_seen(sim: Simulator, http: aiohttp.ClientSession) -> None:
    async with http.post(WHOLE, json=BODY, headers={"X-Request-ID": "r-1"}):
        pass
    last = sim.stats().last_request
    assert last is not None
    assert (last.method, last.model, last.path) == ("generateContent", "gemini-2.5-flash", WHOLE)
    assert (last.body, last.headers["x-request-id"]) == (BODY, "r-1")


async def test_a_body_that_is_no_json_can_be_seen_too(sim: Simulator, http: aiohttp.ClientSession) -> None:
    async with http.post(WHOLE, data="{oops"):
        pass
    assert [request.body for request in sim.requests(1)] == ["{oops"]


async def test_the_last_requests_come_over_http_newest_last(
    sim: Simulator, http: aiohttp.ClientSession
) -> None:
    for number in range(3):
        async with http.post(WHOLE, json={"contents": [{"parts": [{"text": str(number)}]}]}):
            pass
    async with http.get("/_sim/requests?limit=2") as reply:
        seen = await reply.json()
    assert [request["body"]["contents"][0]["parts"][0]["text"] for request in seen] == ["1", "2"]


async def test_reset_counters_start_from_nothing(sim: Simulator, http: aiohttp.ClientSession) -> None:
    async with http.post(WHOLE, json=BODY):
        pass
    async with http.delete("/_sim/stats") as reply:
        assert reply.status == 204
    async with http.get("/_sim/stats") as reply:
        stats = await reply.json()
    assert (stats["calls"], stats["by_method"], stats["last_request"]) == (0, {}, None)


@pytest.mark.parametrize("limit", ["-1", "x", "٣"])
async def test_a_wrong_limit_is_a_400(http: aiohttp.ClientSession, limit: str) -> None:
    async with http.get("/_sim/requests", params={"limit": limit}) as reply:
        assert reply.status == 400


def test_the_log_keeps_so_many_requests_and_so_many_bytes() -> None:
    request = Received(method="m", model="x", path="/", headers={})
    by_number, by_size = RequestLog(max_requests=2), RequestLog(max_bytes=2)
    for body in (b"7", b"8", b"9"):
        by_number.add(request, body)
        by_size.add(request, body)
    assert [one.body for one in by_number.last(10)] == [8, 9]
    assert [one.body for one in by_size.last(10)] == [8, 9]
