"""Tools at Anthropic's Messages, and the thinking that goes with their calls."""

import base64
import json
from typing import Any

import pytest

from gateway_app.providers.anthropic import Anthropic
from gateway_app.testing.simulator import Simulator
from gateway_app.tests.anthropic_wire import MODEL, block, ended, said, sent, started
from gateway_app.tests.city_tools import TIME, WEATHER
from gateway_app.tests.conftest import completion_of
from gateway_app.types import CompletionRequest, Message, Parameters, ToolCall


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
