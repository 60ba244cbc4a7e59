"""What goes out to Anthropic's Messages."""

import json
from typing import Any

import pytest

from gateway_app import exceptions as ours
from gateway_app.providers.anthropic import Anthropic
from gateway_app.providers.anthropic_messages import DEFAULT_MAX_TOKENS
from gateway_app.providers.anthropic_schema import restricted
from gateway_app.testing.simulator import Simulator
from gateway_app.tests.anthropic_wire import MODEL, sent
from gateway_app.tests.conftest import ask, chunks_of, completion_of
from gateway_app.types import CompletionRequest, Image, Message, Parameters

OLDER = "claude-haiku-4-5"
"""Takes sampling parameters and a thinking budget."""


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
