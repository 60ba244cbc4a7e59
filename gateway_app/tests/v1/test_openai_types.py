"""Every reply and every chunk fits the types of OpenAI's own client, to the field."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from openai.types import Model
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import BaseModel

from gateway_app.tests.v1.conftest import ADDRESS, BOTH, TIME, WEATHER, body
from gateway_app.tests.v1.test_stream import stream

OURS = {"x_gateway", "extra_content"}
"""Beside OpenAI's fields: what the call was, and Google's place for the proof of thought."""

SHAPE = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
ASKED: dict[str, dict[str, Any]] = {
    "a text": body("What is an estuary?"),
    "thinking": body("How old is the sea?", reasoning_effort="high"),
    "too long": body("Tell me of whales at length.", max_completion_tokens=3),
    "blocked": body("Tell me of storms. [[fault:safety]]"),
    "calls": body(BOTH.format("Hamar"), tools=[WEATHER, TIME]),
    "signed calls": body(BOTH.format("Molde"), tools=[WEATHER, TIME], model="gemini-3-flash-preview"),
    "a schema": body(
        "Name a city.",
        response_format={"type": "json_schema", "json_schema": {"name": "city", "schema": SHAPE}},
    ),
}


def extras(value: object) -> Iterator[str]:
    """The names of what OpenAI's types do not have."""
    if isinstance(value, BaseModel):
        yield from value.model_extra or ()
        for name in type(value).model_fields:
            yield from extras(getattr(value, name))
    elif isinstance(value, list):
        for item in value:
            yield from extras(item)


@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)
def test_a_whole_reply_is_a_chat_completion(wire: httpx.Client, asked: dict[str, Any]) -> None:
    reply = ChatCompletion.model_validate(wire.post(ADDRESS, json=asked).json())
    assert set(extras(reply)) <= OURS


@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)
def test_every_event_is_a_chunk(wire: httpx.Client, asked: dict[str, Any]) -> None:
    *events, done = stream(wire, "", **asked, stream_options={"include_usage": True})
    chunks = [ChatCompletionChunk.model_validate(event) for event in events]
    assert {name for chunk in chunks for name in extras(chunk)} <= OURS
    assert [chunk.usage is None for chunk in chunks] == [True] * (len(chunks) - 1) + [False]
    assert done == "[DONE]"


def test_a_model_is_a_model(wire: httpx.Client) -> None:
    listed = wire.get("/models").json()
    assert listed["object"] == "list"
    assert not [name for entry in listed["data"] for name in extras(Model.model_validate(entry))]
