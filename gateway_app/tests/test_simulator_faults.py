"""Every misbehaviour that the simulator offers, as a client meets it on the socket."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import msgspec
import pytest

from gateway_app.testing.simulator import Simulator

WHOLE = "/v1beta/models/gemini-2.5-flash:generateContent"
STREAM = "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse"
PROMPT = "Write 40 words about ships"
CHUNKS = 8
"""Of the answer to `PROMPT`."""


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator() as running:
        yield running


@pytest.fixture
async def http(sim: Simulator) -> AsyncIterator[aiohttp.ClientSession]:
    timeout = aiohttp.ClientTimeout(total=1.0)
    async with aiohttp.ClientSession(sim.url, headers={"x-goog-api-key": "k"}, timeout=timeout) as session:
        yield session


def body(text: str = PROMPT) -> dict[str, Any]:
    return {"contents": [{"parts": [{"text": text}]}]}


async def call(http: aiohttp.ClientSession, path: str = WHOLE, text: str = PROMPT) -> tuple[int, bytes]:
    async with http.post(path, json=body(text)) as reply:
        return reply.status, await reply.read()


async def received(http: aiohttp.ClientSession, text: str = PROMPT) -> tuple[bytes, Exception | None]:
    """What a stream brought, and what ended it."""
    got = b""
    async with http.post(STREAM, json=body(text)) as reply:
        try:
            async for piece in reply.content.iter_any():
                got += piece
        except (aiohttp.ClientError, TimeoutError, ConnectionError) as exc:
            return got, exc
    return got, None


def events(raw: bytes) -> list[Any]:
    return [json.loads(event.removeprefix(b"data: ")) for event in raw.split(b"\r\n\r\n") if event]


def candidate(reply: bytes) -> dict[str, Any]:
    return json.loads(reply)["candidates"][0]  # type: ignore[no-any-return]


STATUSES = {
    "400": "INVALID_ARGUMENT",
    "401": "UNAUTHENTICATED",
    "403": "PERMISSION_DENIED",
    "404": "NOT_FOUND",
    "429": "RESOURCE_EXHAUSTED",
    "500": "INTERNAL",
    "502": "UNAVAILABLE",
    "503": "UNAVAILABLE",
    "504": "DEADLINE_EXCEEDED",
}


@pytest.mark.parametrize("path", [WHOLE, STREAM])
@pytest.mark.parametrize(("kind", "name"), STATUSES.items())
async def test_an_error_status_has_googles_body(
    sim: Simulator, http: aiohttp.ClientSession, path: str, kind: str, name: str
) -> None:
    await sim.fault(kind)
    status, raw = await call(http, path)
    assert (status, json.loads(raw)["error"]["status"]) == (int(kind), name)


async def test_a_429_says_when_to_come_back_only_if_asked_to(
    sim: Simulator, http: aiohttp.ClientSession
) -> None:
    await sim.fault("429", retry_after=7)
    await sim.fault("429")
    with_delay, without = [(await call(http))[1] for _ in range(2)]
    assert json.loads(with_delay)["error"]["details"][-1]["retryDelay"] == "7s"
    assert b"RetryInfo" not in without


async def test_faults_strike_first_in_first_out_and_so_many_times(
    sim: Simulator, http: aiohttp.ClientSession
) -> None:
    await sim.fault("503", times=2)
    await sim.fault("429")
    assert [(await call(http))[0] for _ in range(4)] == [503, 503, 429, 200]


async def test_cleared_faults_strike_no_more(sim: Simulator, http: aiohttp.ClientSession) -> None:
    await sim.fault("503", times=5)
    sim.clear_faults()
    assert (await call(http))[0] == 200


async def test_a_directive_in_the_text_strikes_that_request_alone(http: aiohttp.ClientSession) -> None:
    directed = await call(http, text=f"{PROMPT} [[fault:429 retry=2.5]]")
    assert b'"retryDelay":"2.5s"' in directed[1]
    assert (await call(http))[0] == 200


async def test_a_directive_is_no_part_of_the_prompt(http: aiohttp.ClientSession) -> None:
    _, raw = await call(http, text="Say ahoy [[fault:latency ms=1]]")
    assert candidate(raw)["content"]["parts"] == [{"text": "ahoy"}]


async def test_directives_add_up(http: aiohttp.ClientSession) -> None:
    started = time.monotonic()
    status, _ = await call(http, text="Hello [[fault:latency ms=60]] [[fault:500]]")
    assert status == 500
    assert time.monotonic() - started >= 0.06


@pytest.mark.parametrize(
    "directive", ["[[fault:flood]]", "[[fault:]]", "[[fault:cut after=x]]", "[[fault:cut at=1]]"]
)
async def test_a_directive_that_is_not_understood_is_said_so(
    http: aiohttp.ClientSession, directive: str
) -> None:
    status, raw = await call(http, text=directive)
    assert status == 400
    assert "The simulator has no [[fault:" in json.loads(raw)["error"]["message"]


async def test_an_order_that_is_not_understood_is_said_so(
    sim: Simulator, http: aiohttp.ClientSession
) -> None:
    with pytest.raises(msgspec.ValidationError, match="flood"):
        await sim.fault("flood")
    async with http.post("/_sim/faults", json={"fault": "503", "times": 0}) as reply:
        assert (reply.status, (await reply.json())["error"]["status"]) == (400, "INVALID_ARGUMENT")


async def test_latency_comes_before_the_headers(sim: Simulator, http: aiohttp.ClientSession) -> None:
    await sim.fault("latency", ms=80)
    started = time.monotonic()
    async with http.post(STREAM, json=body()):
        assert time.monotonic() - started >= 0.08


async def test_a_chunk_delay_comes_between_the_chunks(sim: Simulator, http: aiohttp.ClientSession) -> None:
    await sim.fault("chunk_delay", ms=20)
    started = time.monotonic()
    raw, error = await received(http)
    assert time.monotonic() - started >= (CHUNKS - 1) * 0.02
    assert (len(events(raw)), error) == (CHUNKS, None)


async def test_a_drip_brings_everything_byte_by_byte(sim: Simulator, http: aiohttp.ClientSession) -> None:
    text = "Say ahoy"
    undisturbed = await call(http, text=text)
    await sim.fault("drip", times=2)
    dripped = await call(http, text=text)
    assert candidate(dripped[1]) == candidate(undisturbed[1])
    raw, error = await received(http, text)
    assert (events(raw)[0]["candidates"][0]["finishReason"], error) == ("STOP", None)


@pytest.mark.parametrize("path", [WHOLE, STREAM])
async def test_a_hang_sends_nothing(sim: Simulator, http: aiohttp.ClientSession, path: str) -> None:
    await sim.fault("hang")
    with pytest.raises(TimeoutError):
        await call(http, path)


async def test_a_stall_is_silent_after_some_chunks(sim: Simulator, http: aiohttp.ClientSession) -> None:
    await sim.fault("stall", after=3)
    raw, error = await received(http)
    assert len(events(raw)) == 3
    assert isinstance(error, TimeoutError)


@pytest.mark.parametrize("after", [0, 2])
@pytest.mark.parametrize("kind", ["cut", "reset"])
async def test_a_broken_connection_brings_some_chunks(
    sim: Simulator, http: aiohttp.ClientSession, kind: str, after: int
) -> None:
    await sim.fault(kind, after=after)
    raw, error = await received(http)
    assert len(events(raw)) == after
    assert isinstance(error, (aiohttp.ClientPayloadError, ConnectionError))


async def test_a_reset_is_a_reset_on_the_wire(sim: Simulator) -> None:
    await sim.fault("reset", after=0)
    reader, writer = await asyncio.open_connection("127.0.0.1", sim.port)
    content = json.dumps(body()).encode()
    head = f"POST {STREAM} HTTP/1.1\r\nHost: x\r\nx-goog-api-key: k\r\nContent-Length: {len(content)}\r\n\r\n"
    writer.write(head.encode() + content)
    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()


@pytest.mark.parametrize("kind", ["cut", "reset"])
async def test_a_whole_reply_breaks_in_its_middle(
    sim: Simulator, http: aiohttp.ClientSession, kind: str
) -> None:
    await sim.fault(kind)
    with pytest.raises((aiohttp.ClientPayloadError, ConnectionError)):
        await call(http)


async def test_an_error_event_comes_after_some_chunks(sim: Simulator, http: aiohttp.ClientSession) -> None:
    await sim.fault("error_event", after=2)
    raw, error = await received(http)
    assert ["error" in event for event in events(raw)] == [False, False, True]
    assert error is None


async def test_in_place_of_a_whole_reply_an_error_event_is_a_503(
    sim: Simulator, http: aiohttp.ClientSession
) -> None:
    await sim.fault("error_event")
    assert (await call(http))[0] == 503


async def test_a_stream_may_end_without_a_finish_reason(sim: Simulator, http: aiohttp.ClientSession) -> None:
    await sim.fault("no_finish")
    raw, error = await received(http)
    assert not any("finishReason" in event["candidates"][0] for event in events(raw))
    assert (len(events(raw)), error) == (CHUNKS, None)


@pytest.mark.parametrize("path", [WHOLE, STREAM])
async def test_malformed_json_does_not_parse(sim: Simulator, http: aiohttp.ClientSession, path: str) -> None:
    await sim.fault("malformed")
    status, raw = await call(http, path)
    assert status == 200
    with pytest.raises(json.JSONDecodeError):
        events(raw)


@pytest.mark.parametrize("path", [WHOLE, STREAM])
async def test_invalid_utf8_does_not_decode(sim: Simulator, http: aiohttp.ClientSession, path: str) -> None:
    await sim.fault("invalid_utf8")
    _, raw = await call(http, path)
    with pytest.raises(UnicodeDecodeError):
        raw.decode()
    assert events(raw.replace(b"\xff\xfe", b""))


@pytest.mark.parametrize("path", [WHOLE, STREAM])
async def test_a_wrong_type_is_a_page_with_status_200(
    sim: Simulator, http: aiohttp.ClientSession, path: str
) -> None:
    await sim.fault("wrong_type")
    async with http.post(path, json=body()) as reply:
        assert (reply.status, reply.content_type) == (200, "text/html")
        assert (await reply.text()).startswith("<!DOCTYPE html>")


@pytest.mark.parametrize("path", [WHOLE, STREAM])
async def test_an_empty_reply_has_no_candidates(
    sim: Simulator, http: aiohttp.ClientSession, path: str
) -> None:
    await sim.fault("empty")
    _, raw = await call(http, path)
    assert ["candidates" in event for event in events(raw)] == [False]


@pytest.mark.parametrize("path", [WHOLE, STREAM])
async def test_a_blocked_prompt_says_why_and_has_no_candidates(
    sim: Simulator, http: aiohttp.ClientSession, path: str
) -> None:
    await sim.fault("blocked")
    _, raw = await call(http, path)
    (event,) = events(raw)
    assert (event["promptFeedback"]["blockReason"], "candidates" in event) == ("SAFETY", False)


@pytest.mark.parametrize("kind", ["safety", "recitation", "max_tokens"])
async def test_an_answer_may_end_early_for_a_reason(
    sim: Simulator, http: aiohttp.ClientSession, kind: str
) -> None:
    full = candidate((await call(http))[1])["content"]["parts"][0]["text"]
    await sim.fault(kind, times=2)
    cut = candidate((await call(http))[1])
    raw, _ = await received(http)
    assert (cut["finishReason"], cut["content"]["parts"][0]["text"]) == (kind.upper(), full[: len(full) // 2])
    assert events(raw)[-1]["candidates"][0]["finishReason"] == kind.upper()


@pytest.mark.parametrize("path", [WHOLE, STREAM])
async def test_thinking_may_use_all_tokens_up(sim: Simulator, http: aiohttp.ClientSession, path: str) -> None:
    await sim.fault("thinking_only")
    _, raw = await call(http, path)
    (event,) = events(raw)
    assert event["candidates"] == [{"content": {"role": "model"}, "finishReason": "MAX_TOKENS", "index": 0}]
    assert event["usageMetadata"]["thoughtsTokenCount"] > 0


async def test_a_chunk_may_be_huge(sim: Simulator, http: aiohttp.ClientSession) -> None:
    await sim.fault("huge", size=300_000)
    raw, _ = await received(http)
    assert [len(event["candidates"][0]["content"]["parts"][0]["text"]) for event in events(raw)] == [300_000]


async def test_other_methods_suffer_too(sim: Simulator, http: aiohttp.ClientSession) -> None:
    await sim.fault("503")
    status, _ = await call(http, "/v1beta/models/gemini-2.5-flash:countTokens")
    assert status == 503
