"""The exact wire of a whole reply, as OpenAI writes it."""

import re
import time

import httpx

from gateway_app.testing.process import SimulatorControl
from gateway_app.tests.v1.conftest import ADDRESS, BOTH, MODEL, TIME, WEATHER, body, user


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


def test_without_parallel_calls_there_is_one(wire: httpx.Client) -> None:
    asked = body(BOTH.format("Bodø"), tools=[WEATHER, TIME], parallel_tool_calls=False)
    calls = wire.post(ADDRESS, json=asked).json()["choices"][0]["message"]["tool_calls"]
    assert [call["function"]["name"] for call in calls] == ["get_weather"]


def test_a_reply_of_calls_alone_has_null_for_content(wire: httpx.Client) -> None:
    reply = wire.post(ADDRESS, json=body("What is the weather in Rome?", tools=[WEATHER])).json()
    assert reply["choices"][0]["message"]["content"] is None
    assert reply["choices"][0]["finish_reason"] == "tool_calls"


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
