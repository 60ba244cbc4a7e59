"""The official Python client, with only its base URL changed."""

import json
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel

from gateway_app.tests.v1.conftest import BOTH, MODEL, TIME, WEATHER, user
from llmgateway.stack import Stack


class Ticket(BaseModel):
    title: str
    urgent: bool


def test_a_chat(client: OpenAI) -> None:
    reply = client.chat.completions.create(model=MODEL, messages=[user("Who wrote Faust?")])
    assert reply.choices[0].message.content
    assert reply.usage
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens
    assert reply.model_extra["x_gateway"]["cache_hit"] is False


async def test_a_chat_async(async_client: AsyncOpenAI) -> None:
    reply = await async_client.chat.completions.create(model=MODEL, messages=[user("Who wrote Emma?")])
    assert reply.choices[0].message.content


def test_a_stream_with_usage(client: OpenAI) -> None:
    chunks = list(
        client.chat.completions.create(
            model=MODEL,
            messages=[user("What is a glacier?")],
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    assert chunks[-1].usage
    assert len([chunk for chunk in chunks if chunk.choices and chunk.choices[0].delta.content]) > 2


async def test_the_stream_helper_async(async_client: AsyncOpenAI) -> None:
    messages = [user("What is a delta?")]
    async with async_client.chat.completions.stream(model=MODEL, messages=messages) as events:
        texts = [event.delta async for event in events if event.type == "content.delta"]
        whole = await events.get_final_completion()
    assert "".join(texts) == whole.choices[0].message.content


@pytest.mark.parametrize("model", [MODEL, "gemini-3-flash-preview"])
def test_a_tool_loop_with_parallel_calls(client: OpenAI, model: str) -> None:
    """The newer model refuses the second turn unless its thought signatures come back."""
    messages: list[Any] = [user(BOTH.format("Paris"))]
    tools: Any = [WEATHER, TIME]
    first = client.chat.completions.create(model=model, messages=messages, tools=tools).choices[0]
    assert first.finish_reason == "tool_calls"
    calls = first.message.tool_calls or []
    assert [call.function.name for call in calls] == ["get_weather", "get_time"]
    assert json.loads(calls[0].function.arguments) == {"city": "Paris"}
    results = ['{"sky": "clear"}', "noon"]
    messages += [first.message]
    messages += [
        {"role": "tool", "tool_call_id": call.id, "content": result}
        for call, result in zip(calls, results, strict=True)
    ]
    second = client.chat.completions.create(model=model, messages=messages, tools=tools).choices[0]
    assert second.finish_reason == "stop"
    assert second.message.content == "get weather: sky is clear.\nget time: result is noon."


def test_a_streamed_tool_call_goes_back_as_it_came(client: OpenAI) -> None:
    messages: list[Any] = [user("What is the weather in Lima?")]
    asked: Any = {"model": "gemini-3-flash-preview", "tools": [WEATHER]}
    with client.chat.completions.stream(messages=messages, **asked) as events:
        message = events.get_final_completion().choices[0].message
    (call,) = message.tool_calls or []
    messages += [
        {"role": "assistant", "tool_calls": [call.model_dump(exclude={"function": {"parsed_arguments"}})]},
        {"role": "tool", "tool_call_id": call.id, "content": '{"sky": "grey"}'},
    ]
    reply = client.chat.completions.create(messages=messages, **asked)
    assert reply.choices[0].message.content == "get weather: sky is grey."


def test_parse_with_a_pydantic_model(client: OpenAI) -> None:
    reply = client.chat.completions.parse(
        model=MODEL, messages=[user("File this: the printer burns.")], response_format=Ticket
    )
    assert isinstance(reply.choices[0].message.parsed, Ticket)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("400", openai.BadRequestError),
        ("401", openai.InternalServerError),
        ("404", openai.NotFoundError),
        ("429 retry=7", openai.RateLimitError),
        ("503", openai.InternalServerError),
    ],
)
def test_a_vendors_failure_raises_the_class_that_openais_would(
    client: OpenAI, fault: str, error: type[openai.APIStatusError]
) -> None:
    with pytest.raises(error):
        client.chat.completions.create(model=MODEL, messages=[user(f"Hello [[fault:{fault}]]")])


def test_a_rate_limit_says_when_to_come_back(client: OpenAI) -> None:
    with pytest.raises(openai.RateLimitError) as caught:
        client.chat.completions.create(model=MODEL, messages=[user("Hi [[fault:429 retry=7]]")])
    assert caught.value.code == "rate_limit_exceeded"
    assert caught.value.response.headers["retry-after"] == "7"


def test_a_stream_that_breaks_raises(client: OpenAI) -> None:
    asked = client.chat.completions.create(
        model=MODEL, messages=[user("What is hail? [[fault:cut after=1]]")], stream=True
    )
    with pytest.raises(openai.APIError) as caught:
        list(asked)
    assert caught.value.code == "provider_bad_reply"


def test_a_bad_key_a_bad_model_and_a_bad_value(stack: Stack, client: OpenAI) -> None:
    stranger = client.with_options(api_key="gw_nobody_nothing")
    with pytest.raises(openai.AuthenticationError) as refused:
        stranger.models.list()
    assert refused.value.code == "invalid_api_key"
    with pytest.raises(openai.NotFoundError) as unknown:
        client.chat.completions.create(model="nobodys-model", messages=[user("Hello")])
    assert unknown.value.code == "model_not_found"
    with pytest.raises(openai.BadRequestError) as unsupported:
        client.chat.completions.create(model=MODEL, messages=[user("Hello")], n=2)
    assert (unsupported.value.code, unsupported.value.param) == ("unsupported_parameter", "n")
