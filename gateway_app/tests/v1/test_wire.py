"""The exact wire of `POST /v1/chat/completions`, as OpenAI writes it."""

import json
import re
import time
from typing import Any

import httpx

from gateway_app.testing.process import SimulatorControl
from gateway_app.tests.conftest import until
from gateway_app.tests.v1.conftest import BOTH, MODEL, TIME, WEATHER, user

ADDRESS = "/chat/completions"


def body(text: str, **fields: Any) -> dict[str, Any]:
    return {"model": MODEL, "messages": [user(text)]} | fields


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


def test_a_whole_reply_has_openais_fields_and_one_of_ours(wire: httpx.Client) -> None:
    reply = wire.post(ADDRESS, json=body("Where do whales sleep?"))
    whole = reply.json()
    assert list(whole) == [
        *("id", "object", "created", "model", "choices", "usage", "system_fingerprint", "x_gateway")
    ]
    assert re.fullmatch(r"chatcmpl-[0-9a-f]{32}", whole["id"])
    assert (whole["object"], whole["model"]) == ("chat.completion", MODEL)
    assert abs(whole["created"] - time.time()) < 60
    (choice,) = whole["choices"]
    assert (choice["index"], choice["finish_reason"], choice["logprobs"]) == (0, "stop", None)
    assert set(choice["message"]) == {"role", "content", "refusal"}
    assert whole["x_gateway"]["request_id"] == reply.headers["x-request-id"]
    assert whole["x_gateway"]["cost_usd"] > 0


def test_usage_counts_thinking_as_completion(wire: httpx.Client) -> None:
    usage = wire.post(ADDRESS, json=body("How deep is the sea?", reasoning_effort="high")).json()["usage"]
    thinking = usage["completion_tokens_details"]["reasoning_tokens"]
    assert 0 < thinking < usage["completion_tokens"]
    assert usage["prompt_tokens"] + usage["completion_tokens"] == usage["total_tokens"]


def test_every_reply_says_what_happened_to_it_in_its_headers(wire: httpx.Client) -> None:
    reply = wire.post(ADDRESS, json=body("What is a fjord?"), headers={"X-Request-ID": "mine-1"})
    assert reply.headers["x-request-id"] == "mine-1"
    assert reply.headers["x-cache"] == "MISS"
    assert reply.headers["server-timing"].startswith("total;dur=")


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
    with wire.stream("POST", ADDRESS, json=body("How do tides work?", stream=True)) as reply:
        lines = reply.iter_lines()
        next(line for line in lines if '"delta":{"content":"' in line)
        arrived = time.monotonic()
        assert list(lines)
    second = vendor.stats().last_stream.second_chunk
    assert second
    assert arrived < second.monotonic


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
    calls = [call for c in chunks for call in c["choices"][0]["delta"].get("tool_calls", ())]
    assert {call["index"]: call["function"]["name"] for call in calls if "id" in call} == {
        0: "get_weather",
        1: "get_time",
    }


def test_without_parallel_calls_there_is_one(wire: httpx.Client) -> None:
    wanted = BOTH.format("Bodø")
    asked = body(wanted, tools=[WEATHER, TIME], parallel_tool_calls=False)
    calls = wire.post(ADDRESS, json=asked).json()["choices"][0]["message"]["tool_calls"]
    assert [call["function"]["name"] for call in calls] == ["get_weather"]
    *chunks, _ = stream(wire, wanted, tools=[WEATHER, TIME], parallel_tool_calls=False)
    assert {c["index"] for chunk in chunks for c in chunk["choices"][0]["delta"].get("tool_calls", ())} == {0}


def test_a_reply_of_calls_alone_has_null_for_content(wire: httpx.Client) -> None:
    reply = wire.post(ADDRESS, json=body("What is the weather in Rome?", tools=[WEATHER])).json()
    assert reply["choices"][0]["message"]["content"] is None
    assert reply["choices"][0]["finish_reason"] == "tool_calls"


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


def test_a_second_time_the_reply_comes_from_the_cache(wire: httpx.Client) -> None:
    first = wire.post(ADDRESS, json=body("What is moss?"))
    again = wire.post(ADDRESS, json=body("What is moss?"))
    assert (first.headers["x-cache"], again.headers["x-cache"]) == ("MISS", "HIT")
    assert again.json()["choices"] == first.json()["choices"]
    assert again.json()["id"] != first.json()["id"]
    assert again.json()["x_gateway"] | {"request_id": ""} == {
        "request_id": "",
        "cost_usd": 0,
        "cache_hit": True,
        "prompt_version": None,
    }
    assert text_of(stream(wire, "What is moss?")[:-1]) == first.json()["choices"][0]["message"]["content"]


def test_everything_asked_for_reaches_the_vendor(wire: httpx.Client, vendor: SimulatorControl) -> None:
    pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
    asked = body(
        "unused",
        messages=[
            {"role": "developer", "content": [{"type": "text", "text": "Be brief."}]},
            {"role": "system", "content": "Be kind."},
            user("Hello"),
            {"role": "assistant", "content": "Good day."},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is this?"},
                    {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{pixel}"}},
                ],
            },
        ],
        temperature=0.1,
        top_p=0.9,
        max_completion_tokens=77,
        stop=["END", "STOP"],
        seed=11,
        reasoning_effort="low",
        response_format={
            "type": "json_schema",
            "json_schema": {
                "name": "seen",
                "schema": {"type": "object", "properties": {"a": {"type": "string"}}},
            },
        },
        tools=[WEATHER],
        tool_choice="none",
    )
    assert wire.post(ADDRESS, json=asked).status_code == 200
    sent = vendor.requests(1)[-1].body
    assert [turn["role"] for turn in sent["contents"]] == ["user", "model", "user"]
    assert sent["systemInstruction"]["parts"] == [{"text": "Be brief.\n\nBe kind."}]
    assert sent["contents"][-1]["parts"][0]["inlineData"]["data"] == pixel
    config = sent["generationConfig"]
    assert config["responseJsonSchema"]["properties"] == {"a": {"type": "string"}}
    assert list(config["thinkingConfig"].values()) == [1024]
    assert {name: config[name] for name in ("temperature", "topP", "maxOutputTokens", "seed")} == {
        "temperature": 0.1,
        "topP": 0.9,
        "maxOutputTokens": 77,
        "seed": 11,
    }
    assert config["stopSequences"] == ["END", "STOP"]
    assert sent["toolConfig"]["functionCallingConfig"]["mode"] == "NONE"


def test_what_asks_for_nothing_is_taken(wire: httpx.Client) -> None:
    harmless = {
        "n": 1,
        "store": True,
        "service_tier": "auto",
        "logprobs": False,
        "logit_bias": {},
        "presence_penalty": 0,
        "frequency_penalty": 0.0,
        "parallel_tool_calls": True,
        "modalities": ["text"],
        "metadata": {"team": "a"},
        "prompt_cache_key": "k",
        "verbosity": "low",
        "functions": None,
        "stream": False,
        "response_format": {"type": "text"},
    }
    assert wire.post(ADDRESS, json=body("What is lichen?", **harmless)).status_code == 200


def test_only_post_and_only_json(wire: httpx.Client) -> None:
    assert wire.get(ADDRESS).status_code == 405
    assert wire.post(ADDRESS, content=b"{}", headers={"Content-Type": "text/plain"}).status_code == 415
