"""What goes out in OpenAI's dialect."""

from typing import Any

import pytest
from msgspec.structs import replace

from gateway_app import exceptions as ours
from gateway_app.providers import openai_messages
from gateway_app.providers.openai import OpenAI, is_openai
from gateway_app.testing.simulator import Simulator
from gateway_app.tests.city_tools import TIME, WEATHER
from gateway_app.tests.conftest import ask, chunks_of
from gateway_app.types import CompletionRequest, Image, Message, Parameters

MODEL = "gpt-4.1-mini"
CLOSED = {
    "type": "object",
    "properties": {"mood": {"type": "string", "enum": ["good", "bad"]}},
    "required": ["mood"],
    "additionalProperties": False,
}


async def sent(
    openai: OpenAI, simulator: Simulator, parameters: Parameters, *, model: str = MODEL
) -> dict[str, Any]:
    """The body that a question with `parameters` goes out as."""
    request = CompletionRequest(
        model=model, messages=(Message(role="user", content="Hello"),), parameters=parameters
    )
    await chunks_of(openai, request, whole=True)
    body: dict[str, Any] = simulator.requests()[-1].body
    return body


TURNS = (
    Message(role="system", content="Be brief."),
    Message(role="user", content="Hello", name="Ada"),
    Message(role="assistant", content="Good day."),
    Message(role="user", content="What is this?", images=(Image(media_type="image/png", data="iVBO"),)),
)


@pytest.mark.parametrize("whole", [True, False], ids=["whole", "streamed"])
async def test_messages_and_parameters_reach_the_wire(
    openai: OpenAI, simulator: Simulator, whole: bool
) -> None:
    request = CompletionRequest(
        model=MODEL,
        messages=TURNS,
        parameters=Parameters(
            temperature=0.2, max_tokens=300, top_p=0.9, stop=("END",), seed=7, json_mode=True
        ),
    )
    await chunks_of(openai, request, whole=whole)
    received = simulator.requests()[-1]
    assert received.headers["authorization"] == "Bearer for-tests"
    streamed = {"stream": True, "stream_options": {"include_usage": True}}
    assert received.body == {
        "model": MODEL,
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hello", "name": "Ada"},
            {"role": "assistant", "content": "Good day."},
            {
                "role": "user",
                "content": [
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO"}},
                    {"type": "text", "text": "What is this?"},
                ],
            },
        ],
        "temperature": 0.2,
        "max_tokens": 300,
        "top_p": 0.9,
        "stop": ["END"],
        "seed": 7,
        "response_format": {"type": "json_object"},
    } | ({} if whole else streamed)


async def test_what_is_not_said_is_not_sent(openai: OpenAI, simulator: Simulator) -> None:
    assert set(await sent(openai, simulator, Parameters())) == {"model", "messages"}


@pytest.mark.parametrize(
    ("base_url", "official"),
    [
        ("https://api.openai.com/v1", True),
        ("https://eu.api.openai.com/v1", True),
        ("https://mine.openai.azure.com/openai/v1", True),
        ("https://api.groq.com/openai/v1", False),
        ("http://127.0.0.1:11434/v1", False),
        ("https://openai.com.example.org/v1", False),
    ],
)
def test_openai_itself_is_told_from_those_who_speak_like_it(base_url: str, official: bool) -> None:
    assert is_openai(base_url) is official


async def test_openai_itself_demands_a_key() -> None:
    adapter = OpenAI(api_key="", base_url="https://api.openai.com/v1")
    with pytest.raises(ours.ProviderDenied, match="OPENAI_API_KEY is not set"):
        await chunks_of(adapter, ask("Hello", MODEL))


@pytest.mark.parametrize("model", ["gpt-5-mini", "o4-mini"])
async def test_a_reasoning_model_gets_an_effort_and_the_newer_limit_and_no_temperature(
    openai: OpenAI, simulator: Simulator, model: str
) -> None:
    asked = Parameters(temperature=0.7, top_p=0.5, max_tokens=50, thinking_budget=5000)
    body = await sent(openai, simulator, asked, model=model)
    del body["messages"]
    assert body == {"model": model, "max_completion_tokens": 50, "reasoning_effort": "medium"}


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-5-chat-latest", "gpt-oss-120b"])
async def test_other_models_keep_their_temperature_and_the_limit_that_all_servers_know(
    openai: OpenAI, simulator: Simulator, model: str
) -> None:
    body = await sent(openai, simulator, Parameters(temperature=0.7, max_tokens=50), model=model)
    del body["messages"]
    assert body == {"model": model, "max_tokens": 50, "temperature": 0.7}


@pytest.mark.parametrize(
    ("schema", "strict"),
    [
        (CLOSED, True),
        ({"type": "object", "properties": {"list": {"type": "array", "items": CLOSED}}}, False),
        (CLOSED | {"properties": {"mood": {"type": "string"}, "why": {"type": "string"}}}, False),
        (CLOSED | {"additionalProperties": True}, False),
        (CLOSED | {"properties": {"mood": {"anyOf": [{"type": "object"}, {"type": "null"}]}}}, False),
    ],
    ids=["closed", "open", "optional", "additional", "open within"],
)
async def test_a_schema_is_strict_where_openai_accepts_it_so(
    openai: OpenAI, simulator: Simulator, schema: dict[str, Any], strict: bool
) -> None:
    body = await sent(openai, simulator, Parameters(response_schema=schema))
    assert body["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "reply", "schema": schema, "strict": strict},
    }


@pytest.mark.parametrize(
    "wrong", [{"required": [["mood"]]}, {"required": None}, {"properties": [{"mood": "string"}]}], ids=repr
)
def test_a_schema_that_is_none_is_left_to_the_vendor_to_refuse(wrong: dict[str, Any]) -> None:
    schema = CLOSED | wrong
    wanted = replace(ask("Hello"), parameters=Parameters(response_schema=schema))
    sent = openai_messages.body(wanted, whole=True)["response_format"]["json_schema"]
    assert (sent["schema"], sent["strict"]) == (schema, False)


@pytest.mark.parametrize(
    ("choice", "on_the_wire"),
    [
        ("required", "required"),
        ("none", "none"),
        ("get_time", {"type": "function", "function": {"name": "get_time"}}),
    ],
)
async def test_the_choice_of_a_tool_reaches_the_wire(
    openai: OpenAI, simulator: Simulator, choice: str, on_the_wire: object
) -> None:
    body = await sent(openai, simulator, Parameters(tools=(WEATHER, TIME), tool_choice=choice))
    assert body["tool_choice"] == on_the_wire
    assert body["tools"] == [
        {"type": "function", "function": WEATHER},
        {"type": "function", "function": TIME},
    ]
