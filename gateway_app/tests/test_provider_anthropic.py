"""Anthropic's Messages: what goes out, and what comes back."""

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway_app import exceptions as ours
from gateway_app.providers.anthropic import Anthropic
from gateway_app.providers.anthropic_messages import DEFAULT_MAX_TOKENS
from gateway_app.providers.anthropic_schema import restricted
from gateway_app.testing.simulator import Simulator
from gateway_app.tests.conftest import ask, chunks_of, completion_of
from gateway_app.tests.scripted_vendor import in_pieces, scripted_vendor
from gateway_app.types import Completion, CompletionRequest, Image, Message, Parameters, ToolCall, Usage

MODEL = "claude-sonnet-5-5"
OLDER = "claude-haiku-4-5"
"""Takes sampling parameters and a thinking budget."""
WEATHER = {
    "name": "get_weather",
    "description": "Tells the weather of a city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
TIME = WEATHER | {"name": "get_time", "description": "Tells the time in a city"}


@pytest.fixture
async def anthropic(simulator: Simulator) -> AsyncIterator[Anthropic]:
    adapter = Anthropic(api_key="for-tests", base_url=simulator.url)
    await adapter.open()
    yield adapter
    await adapter.close()


async def sent(
    anthropic: Anthropic,
    simulator: Simulator,
    *messages: Message,
    model: str = MODEL,
    parameters: Parameters | None = None,
) -> dict[str, Any]:
    """The body that `messages` with `parameters` go out as."""
    asked = messages or (Message(role="user", content="Hello"),)
    request = CompletionRequest(model=model, messages=asked, parameters=parameters or Parameters())
    await chunks_of(anthropic, request, whole=True)
    body: dict[str, Any] = simulator.requests()[-1].body
    return body


async def said(*events: dict[str, Any], piece: int = 10_000) -> Completion:
    """What comes of a reply that Anthropic sends as `events`, `piece` bytes at a time."""
    data = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)
    async with scripted_vendor(*in_pieces(data.encode(), piece)) as url:
        adapter = Anthropic(api_key="k", base_url=url)
        await adapter.open()
        try:
            return await completion_of(adapter, ask("Hello", MODEL), whole=False)
        finally:
            await adapter.close()


def started(**usage: Any) -> dict[str, Any]:
    return {"type": "message_start", "message": {"model": MODEL, "content": [], "usage": usage}}


def block(index: int, content: dict[str, Any], *deltas: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"type": "content_block_start", "index": index, "content_block": content},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def text(index: int, *pieces: str) -> list[dict[str, Any]]:
    deltas = [{"type": "text_delta", "text": piece} for piece in pieces]
    return block(index, {"type": "text", "text": ""}, *deltas)


def ended(reason: str = "end_turn", **usage: Any) -> dict[str, Any]:
    return {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage}


@pytest.mark.parametrize("whole", [True, False], ids=["whole", "streamed"])
async def test_messages_and_parameters_reach_the_wire(
    anthropic: Anthropic, simulator: Simulator, whole: bool
) -> None:
    request = CompletionRequest(
        model=OLDER,
        messages=(
            Message(role="system", content="Be brief."),
            Message(role="system", content="Be kind."),
            Message(role="user", content="Hello"),
            Message(role="assistant", content="Good day."),
            Message(
                role="user", content="What is this?", images=(Image(media_type="image/png", data="iVBO"),)
            ),
        ),
        parameters=Parameters(temperature=0.2, max_tokens=300, top_p=0.9, stop=("END",), seed=7),
    )
    await chunks_of(anthropic, request, whole=whole)
    received = simulator.requests()[-1]
    assert received.headers["x-api-key"] == "for-tests"
    assert received.headers["anthropic-version"] == "2023-06-01"
    source = {"type": "base64", "media_type": "image/png", "data": "iVBO"}
    assert received.body == {
        "model": OLDER,
        "system": "Be brief.\n\nBe kind.",
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Hello"}]},
            {"role": "assistant", "content": [{"type": "text", "text": "Good day."}]},
            {
                "role": "user",
                "content": [{"type": "image", "source": source}, {"type": "text", "text": "What is this?"}],
            },
        ],
        "max_tokens": 300,
        "temperature": 0.2,
        "stop_sequences": ["END"],
    } | ({} if whole else {"stream": True})


async def test_a_key_is_needed() -> None:
    adapter = Anthropic(api_key="", base_url="https://api.anthropic.com")
    with pytest.raises(ours.ProviderDenied, match="ANTHROPIC_API_KEY is not set"):
        await chunks_of(adapter, ask("Hello", MODEL))


async def test_neighbours_of_one_role_are_one_turn_and_empty_messages_none(
    anthropic: Anthropic, simulator: Simulator
) -> None:
    body = await sent(
        anthropic,
        simulator,
        Message(role="user", content="One."),
        Message(role="assistant", content="  "),
        Message(role="user", content="Two."),
    )
    assert body["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "One."}, {"type": "text", "text": "Two."}]}
    ]


@pytest.mark.parametrize(
    ("model", "parameters", "expected"),
    [
        pytest.param(OLDER, Parameters(temperature=0.3), {"temperature": 0.3}, id="sampled"),
        pytest.param(OLDER, Parameters(top_p=0.3), {"top_p": 0.3}, id="sampled by top_p"),
        pytest.param(
            OLDER,
            Parameters(thinking_budget=2000, max_tokens=4000, temperature=0.3),
            {"thinking": {"type": "enabled", "budget_tokens": 2000}, "max_tokens": 4000},
            id="thinking excludes sampling",
        ),
        pytest.param(
            OLDER,
            Parameters(thinking_budget=100),
            {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": DEFAULT_MAX_TOKENS + 100},
            id="the least budget, on top of the limit",
        ),
        pytest.param(OLDER, Parameters(thinking_budget=0), {}, id="no thinking"),
        pytest.param(MODEL, Parameters(temperature=0.3, top_p=0.5), {}, id="later models refuse sampling"),
        pytest.param(
            MODEL,
            Parameters(thinking_budget=5000, max_tokens=9000),
            {
                "thinking": {"type": "adaptive"},
                "output_config": {"effort": "medium"},
                "max_tokens": 9000,
            },
            id="later models take an effort",
        ),
        pytest.param(
            MODEL, Parameters(thinking_budget=0), {"output_config": {"effort": "low"}}, id="least effort"
        ),
    ],
)
async def test_thinking_and_sampling_suit_the_model(
    anthropic: Anthropic,
    simulator: Simulator,
    model: str,
    parameters: Parameters,
    expected: dict[str, Any],
) -> None:
    body = await sent(anthropic, simulator, model=model, parameters=parameters)
    usual = {"max_tokens": DEFAULT_MAX_TOKENS}
    assert {
        name: value for name, value in body.items() if name not in ("model", "messages")
    } == usual | expected


@pytest.mark.parametrize("whole", [True, False], ids=["whole", "streamed"])
async def test_a_schema_is_kept_by_structured_output(
    anthropic: Anthropic, simulator: Simulator, whole: bool
) -> None:
    schema = {"type": "object", "properties": {"mood": {"enum": ["good", "bad"]}}, "required": ["mood"]}
    request = CompletionRequest(
        model=MODEL,
        messages=(Message(role="user", content="I love it!"),),
        parameters=Parameters(response_schema=schema, json_mode=True, thinking_budget=100),
    )
    completion = await completion_of(anthropic, request, whole=whole)
    assert json.loads(completion.text)["mood"] in ("good", "bad")
    assert completion.finish_reason == "stop"
    body = simulator.requests()[-1].body
    assert body["output_config"] == {
        "effort": "low",
        "format": {"type": "json_schema", "schema": schema | {"additionalProperties": False}},
    }
    assert "system" not in body


async def test_json_without_a_schema_is_asked_for_in_words(
    anthropic: Anthropic, simulator: Simulator
) -> None:
    body = await sent(anthropic, simulator, parameters=Parameters(json_mode=True))
    assert "one JSON object" in body["system"]


@pytest.mark.parametrize(
    ("given", "accepted"),
    [
        pytest.param(
            {"type": "integer", "minimum": 1, "description": "Stars."},
            {"type": "integer", "description": 'Stars.\n\n{"minimum":1}'},
            id="limits become words",
        ),
        pytest.param(
            {"type": "string", "format": "date", "title": "Day"},
            {"type": "string", "format": "date", "title": "Day"},
            id="known formats stay",
        ),
        pytest.param(
            {"type": "string", "format": "iban"},
            {"type": "string", "description": '{"format":"iban"}'},
            id="unknown formats become words",
        ),
        pytest.param(
            {"type": "string", "format": ["date"]},
            {"type": "string", "description": '{"format":["date"]}'},
            id="what is no format becomes words",
        ),
        pytest.param(
            {"properties": {"a": {"type": "null"}}},
            {"properties": {"a": {"type": "null"}}, "additionalProperties": False},
            id="what has properties is an object",
        ),
        pytest.param(
            {"oneOf": [{"type": "object"}, {"type": "null"}]},
            {"anyOf": [{"type": "object", "additionalProperties": False}, {"type": "null"}]},
            id="objects are closed wherever they stand",
        ),
        pytest.param(
            {
                "type": "array",
                "items": {"$ref": "#/$defs/a"},
                "minItems": 1,
                "$defs": {"a": {"type": "object"}},
            },
            {
                "type": "array",
                "items": {"$ref": "#/$defs/a"},
                "minItems": 1,
                "$defs": {"a": {"type": "object", "additionalProperties": False}},
            },
            id="definitions",
        ),
        pytest.param(
            {"type": "array", "items": {"type": "string"}, "minItems": 3},
            {"type": "array", "items": {"type": "string"}, "description": '{"minItems":3}'},
            id="more than one item cannot be demanded",
        ),
    ],
)
def test_a_schema_is_brought_into_the_form_that_anthropic_takes(
    given: dict[str, Any], accepted: dict[str, Any]
) -> None:
    assert restricted(given) == accepted


@pytest.mark.parametrize(
    ("choice", "on_the_wire"),
    [
        ("auto", {"type": "auto"}),
        ("required", {"type": "any"}),
        ("none", {"type": "none"}),
        ("get_time", {"type": "tool", "name": "get_time"}),
    ],
)
async def test_the_choice_of_a_tool_reaches_the_wire(
    anthropic: Anthropic, simulator: Simulator, choice: str, on_the_wire: dict[str, str]
) -> None:
    body = await sent(
        anthropic, simulator, parameters=Parameters(tools=(WEATHER, {"name": "get_time"}), tool_choice=choice)
    )
    assert body["tool_choice"] == on_the_wire
    assert body["tools"] == [
        {
            "name": "get_weather",
            "description": WEATHER["description"],
            "input_schema": WEATHER["parameters"],
        },
        {"name": "get_time", "description": "", "input_schema": {"type": "object"}},
    ]


@pytest.mark.parametrize("whole", [True, False], ids=["whole", "streamed"])
async def test_calls_go_back_with_their_results_and_the_thinking_before_them(
    anthropic: Anthropic, simulator: Simulator, whole: bool
) -> None:
    question = Message(role="user", content="What are the weather and the time of the city of Oslo?")
    parameters = Parameters(tools=(WEATHER, TIME), thinking_budget=2000)
    first = await completion_of(
        anthropic,
        CompletionRequest(model=MODEL, messages=(question,), parameters=parameters),
        whole=whole,
    )
    assert first.finish_reason == "tool_calls"
    assert [call.name for call in first.tool_calls] == ["get_weather", "get_time"]
    assert [json.loads(call.arguments) for call in first.tool_calls] == [{"city": "Oslo"}] * 2

    turn = Message(role="assistant", content="A moment.", tool_calls=first.tool_calls)
    results = tuple(
        Message(role="tool", tool_call_id=call.id, content=f"{call.name} says 7") for call in first.tool_calls
    )
    second = await completion_of(
        anthropic,
        CompletionRequest(model=MODEL, messages=(question, turn, *results), parameters=parameters),
        whole=whole,
    )
    assert "get_weather says 7" in second.text
    _, answered, told = simulator.requests()[-1].body["messages"]
    assert [part["type"] for part in answered["content"]] == ["thinking", "text", "tool_use", "tool_use"]
    assert answered["content"][0]["signature"]
    assert [part["tool_use_id"] for part in told["content"]] == [call.id for call in first.tool_calls]


async def test_what_was_thought_between_two_calls_goes_back_between_them(
    anthropic: Anthropic, simulator: Simulator
) -> None:
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "s1"}
    secret = {"type": "redacted_thinking", "data": "s2"}
    uses = [{"type": "tool_use", "id": name, "name": name, "input": {}} for name in ("first", "second")]
    completion = await said(
        started(),
        *block(
            0,
            {"type": "thinking", "thinking": ""},
            {"type": "thinking_delta", "thinking": "Hm."},
            {"type": "signature_delta", "signature": "s1"},
        ),
        *block(1, uses[0]),
        *block(2, secret),
        *block(3, uses[1]),
        ended("tool_use"),
    )
    turn = Message(role="assistant", content="A moment.", tool_calls=completion.tool_calls)
    body = await sent(anthropic, simulator, Message(role="user", content="Hello"), turn)
    spoken = {"type": "text", "text": "A moment."}
    assert body["messages"][1]["content"] == [thought, spoken, uses[0], secret, uses[1]]


async def test_a_call_of_another_vendor_goes_out_without_its_signature(
    anthropic: Anthropic, simulator: Simulator
) -> None:
    call = ToolCall(id="call_1", name="get_time", arguments="[1]", signature="Q2xlYXJseSBub3QgSlNPTg==")
    body = await sent(
        anthropic,
        simulator,
        Message(role="user", content="Hello"),
        Message(role="assistant", tool_calls=(call,)),
        Message(role="tool", tool_call_id="call_1"),
    )
    use = {"type": "tool_use", "id": "call_1", "name": "get_time", "input": {"arguments": [1]}}
    assert body["messages"][1]["content"] == [use]
    assert body["messages"][2]["content"] == [{"type": "tool_result", "tool_use_id": "call_1", "content": []}]


@pytest.mark.parametrize(
    "arguments", ["[" * 5000 + "]" * 5000, '{"a":' * 500 + "1" + "}" * 500, "[" * 100_000]
)
async def test_a_calls_arguments_of_any_depth_are_passed_on(
    anthropic: Anthropic, simulator: Simulator, arguments: str
) -> None:
    turn = Message(role="assistant", tool_calls=(ToolCall(id="c", name="f", arguments=arguments),))
    body = await sent(anthropic, simulator, Message(role="user", content="Hello"), turn)
    assert body["messages"][1]["content"][0]["input"] == {"arguments": arguments}


@pytest.mark.parametrize(
    "blocks",
    [
        [{"type": "text", "text": "hello"}],
        [{"type": "image", "source": {"type": "url", "url": "http://elsewhere.example/cat.png"}}],
        [{"type": "thinking", "thinking": "Hm.", "signature": "s", "cache_control": {"type": "ephemeral"}}],
        [{"type": "thinking", "thinking": ["Hm."], "signature": "s"}],
        [{"type": "redacted_thinking"}],
        [{"type": "redacted_thinking", "data": "d"}, {"type": "text", "text": "hello"}],
    ],
    ids=["text", "image", "more", "no text", "no data", "among others"],
)
async def test_nothing_but_thinking_goes_out_as_a_signature(
    anthropic: Anthropic, simulator: Simulator, blocks: Any
) -> None:
    signed = base64.b64encode(json.dumps(blocks).encode()).decode()
    call = ToolCall(id="call_1", name="get_time", arguments="{}", signature=signed)
    turn = Message(role="assistant", tool_calls=(call,))
    body = await sent(anthropic, simulator, Message(role="user", content="Hello"), turn)
    use = {"type": "tool_use", "id": "call_1", "name": "get_time", "input": {}}
    assert body["messages"][1]["content"] == [use]


async def test_a_stream_and_a_whole_reply_say_the_same(anthropic: Anthropic) -> None:
    request = ask("Summarize: The sea rose. The town moved uphill. Nobody was hurt.", MODEL)
    whole = await completion_of(anthropic, request, whole=True)
    assert whole == await completion_of(anthropic, request, whole=False)
    assert whole.text
    assert whole.model == f"{MODEL}-simulated"


async def test_the_input_is_counted_from_the_first_event_on(anthropic: Anthropic) -> None:
    first, *_, last = await chunks_of(anthropic, ask("Tell me of the sea.", MODEL))
    assert first.usage is not None
    assert first.usage.input_tokens > 0
    assert last.finish_reason == "stop"
    assert last.usage is not None
    assert last.usage.input_tokens == first.usage.input_tokens
    assert last.usage.output_tokens > first.usage.output_tokens


async def test_what_the_cache_read_and_wrote_is_input_and_thinking_is_not_output() -> None:
    completion = await said(
        started(input_tokens=10, cache_creation_input_tokens=20, cache_read_input_tokens=30, output_tokens=1),
        *text(0, "Hi"),
        ended(output_tokens=50, output_tokens_details={"thinking_tokens": 40}),
    )
    assert completion.usage == Usage(
        input_tokens=60, cached_tokens=30, output_tokens=10, thinking_tokens=40, total_tokens=110
    )


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "content_filter"),
        ("pause_turn", "error"),
        ("a reason of tomorrow", "error"),
    ],
)
async def test_every_stop_reason_has_ours(reason: str, expected: str) -> None:
    assert (await said(started(), *text(0, "Hi"), ended(reason))).finish_reason == expected


@pytest.mark.parametrize("piece", [1, 7, 10_000])
async def test_parallel_calls_are_put_together_from_their_pieces(piece: int) -> None:
    def call(index: int, name: str, *pieces: str) -> list[dict[str, Any]]:
        deltas = [{"type": "input_json_delta", "partial_json": part} for part in pieces]
        return block(index, {"type": "tool_use", "id": f"toolu_{name}", "name": name, "input": {}}, *deltas)

    completion = await said(
        started(),
        *block(0, {"type": "text", "text": "Let "}, {"type": "text_delta", "text": "me look."}),
        *call(1, "first", "", '{"a": ', '"ä"}'),
        *call(2, "second"),
        ended("tool_use"),
        piece=piece,
    )
    assert completion.text == "Let me look."
    assert completion.tool_calls == (
        ToolCall(id="toolu_first", name="first", arguments='{"a": "ä"}'),
        ToolCall(id="toolu_second", name="second", arguments="{}"),
    )


async def test_events_and_blocks_of_tomorrow_are_passed_over() -> None:
    completion = await said(
        started(),
        {"type": "weather_report", "sunny": True},
        *block(0, {"type": "aura", "colour": "violet"}, {"type": "aura_delta", "hue": 7}),
        *text(1, "Hi"),
        ended(),
    )
    assert (completion.text, completion.tool_calls) == ("Hi", ())


@pytest.mark.parametrize(
    "event",
    [
        {"type": "message_start"},
        {"type": "content_block_start", "index": 0},
        {"type": "content_block_delta", "index": "zero", "delta": {}},
        {"type": "message_delta", "delta": {"stop_reason": 7}},
    ],
    ids=lambda event: event["type"],
)
async def test_what_is_not_of_anthropics_shape_is_a_bad_reply(event: dict[str, Any]) -> None:
    with pytest.raises(ours.ProviderBadReply):
        await said(event, *text(0, "Hi"), ended())


async def test_an_overloaded_vendor_says_so_in_the_stream() -> None:
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    with pytest.raises(ours.ProviderUnavailable, match="Overloaded") as caught:
        await said(started(), *text(0, "Hi"), error)
    assert caught.value.status == 529


async def test_a_stream_without_a_stop_reason_is_a_bad_reply() -> None:
    with pytest.raises(ours.ProviderBadReply, match="ended before it was finished"):
        await said(started(), *text(0, "Hi"), {"type": "message_stop"})
