"""The exact wire of a stream, as OpenAI writes it."""

import json
import time
from typing import Any

import httpx

from gateway_app.testing.process import SimulatorControl
from gateway_app.tests.conftest import until
from gateway_app.tests.v1.conftest import ADDRESS, BOTH, TIME, WEATHER, body


def events(raw: str) -> list[Any]:
    """Parsed events; `[DONE]` stays text. Fails where the framing is not exact."""
    assert raw.endswith("\n\n")
    lines = raw.removesuffix("\n\n").split("\n\n")
    assert all(line.startswith("data: ") and "\n" not in line for line in lines)
    data = [line.removeprefix("data: ") for line in lines]
    return [piece if piece == "[DONE]" else json.loads(piece) for piece in data]


def stream(wire: httpx.Client, text: str, **fields: Any) -> list[Any]:
    reply = wire.post(ADDRESS, json=body(text, stream=True, **fields))
    assert reply.status_code == 200, reply.text
    assert reply.headers["content-type"] == "text/event-stream; charset=utf-8"
    return events(reply.text)


def text_of(chunks: list[Any]) -> str:
    return "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks if chunk["choices"])


def called(chunks: list[Any]) -> list[Any]:
    return [call for chunk in chunks for call in chunk["choices"][0]["delta"].get("tool_calls", ())]


def test_a_stream_begins_with_the_role_and_ends_with_done(wire: httpx.Client) -> None:
    *chunks, done = stream(wire, "Why is the sea salt?")
    assert done == "[DONE]"
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert chunks[-1]["choices"] == [{"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}]
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}


def test_all_chunks_of_a_stream_share_their_identity(wire: httpx.Client) -> None:
    *chunks, _ = stream(wire, "What do otters eat?")
    shared = {
        tuple(chunk[name] for name in ("id", "created", "model", "system_fingerprint")) for chunk in chunks
    }
    assert len(shared) == 1


def test_a_stream_has_no_usage_unless_it_is_asked_for(wire: httpx.Client) -> None:
    *chunks, _ = stream(wire, "What is kelp?")
    assert not any("usage" in chunk or "x_gateway" in chunk for chunk in chunks)


def test_usage_that_is_asked_for_comes_in_one_more_chunk(wire: httpx.Client) -> None:
    *chunks, last, done = stream(wire, "What is krill?", stream_options={"include_usage": True})
    assert done == "[DONE]"
    assert all(chunk["usage"] is None and chunk["choices"] for chunk in chunks)
    assert last["choices"] == []
    assert last["usage"]["total_tokens"] > last["usage"]["prompt_tokens"] > 0
    assert last["x_gateway"]["cost_usd"] > 0


def test_text_leaves_before_the_vendor_sends_more(wire: httpx.Client, vendor: SimulatorControl) -> None:
    """Tried again, as a busy machine may hold a packet up once; a gateway that buffers holds up every one."""
    assert any(leaves_early(wire, vendor, f"Tell me of the tide, try {number}.") for number in range(3))


def leaves_early(wire: httpx.Client, vendor: SimulatorControl, text: str) -> bool:
    """Whether the first text was here before the vendor's second chunk left."""
    with wire.stream("POST", ADDRESS, json=body(text, stream=True)) as reply:
        lines = reply.iter_lines()
        next(line for line in lines if '"content":"' in line and '"content":""' not in line)
        arrived = time.monotonic()
        assert list(lines)
    second = vendor.stats().last_stream.second_chunk
    assert second
    return arrived < second.monotonic


def test_a_tool_call_is_streamed_as_its_name_and_then_its_arguments(wire: httpx.Client) -> None:
    *chunks, _ = stream(wire, "What is the weather in Oslo?", tools=[WEATHER])
    deltas = [chunk["choices"][0]["delta"]["tool_calls"] for chunk in chunks[1:-1]]
    (first,), *rest = deltas
    assert (first["index"], first["type"]) == (0, "function")
    assert first["id"]
    assert first["function"] == {"name": "get_weather", "arguments": ""}
    assert json.loads("".join(piece["function"]["arguments"] for (piece,) in rest)) == {"city": "Oslo"}
    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"


def test_parallel_calls_have_an_index_each(wire: httpx.Client) -> None:
    *chunks, _ = stream(wire, BOTH.format("Bergen"), tools=[WEATHER, TIME])
    told = {0: "", 1: ""}
    for call in called(chunks):
        told[call["index"]] += call["function"].get("name", "") + call["function"]["arguments"]
    assert told == {0: 'get_weather{"city": "Bergen"}', 1: 'get_time{"city": "Bergen"}'}


def test_without_parallel_calls_there_is_one(wire: httpx.Client) -> None:
    *chunks, _ = stream(wire, BOTH.format("Narvik"), tools=[WEATHER, TIME], parallel_tool_calls=False)
    assert {call["index"] for call in called(chunks)} == {0}


def test_a_stream_that_fails_says_so_and_is_not_done(wire: httpx.Client) -> None:
    *chunks, last = stream(wire, "What is fog? [[fault:error_event after=1]]", n=1)
    assert text_of(chunks)
    assert last["error"]["type"] == "server_error"
    assert last["error"]["code"] == "provider_unavailable"


async def test_a_client_that_leaves_stops_the_vendor(wire: httpx.Client, vendor: SimulatorControl) -> None:
    before = vendor.stats().streams_cancelled
    with wire.stream("POST", ADDRESS, json=body("What is dew?", stream=True)) as reply:
        next(reply.iter_lines())
    await until(lambda: vendor.stats().streams_cancelled > before)


def test_a_kept_reply_is_streamed_again(wire: httpx.Client) -> None:
    first = wire.post(ADDRESS, json=body("What is peat?")).json()["choices"][0]["message"]["content"]
    again = wire.post(ADDRESS, json=body("What is peat?", stream=True))
    assert again.headers["x-cache"] == "HIT"
    assert text_of(events(again.text)[:-1]) == first
