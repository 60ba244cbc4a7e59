"""Two requests share a key if and only if they are the same request."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import fields, replace

from gateway_app.cache_key import cache_key
from gateway_app.types import CompletionRequest, Image, Message, Parameters, ToolCall

BASE = CompletionRequest(model="m", messages=(Message(role="user", content="hello"),))

OTHER: dict[str, Any] = {
    "temperature": 0.5,
    "max_tokens": 5,
    "top_p": 0.5,
    "stop": ("x",),
    "seed": 1,
    "thinking_budget": 0,
    "response_schema": {"type": "object"},
    "json_mode": True,
    "tools": ({"name": "f"},),
    "tool_choice": "none",
    "safety_settings": {"HARM_CATEGORY_HARASSMENT": "BLOCK_NONE"},
}
OTHER_MESSAGE: dict[str, Any] = {
    "role": "assistant",
    "content": "bye",
    "images": (Image(media_type="image/png", data="x"),),
    "tool_calls": (ToolCall(id="1", name="f", arguments="{}"),),
    "tool_call_id": "1",
    "name": "f",
}


def key(request: CompletionRequest, *, project: int = 1, provider: str = "gemini") -> str:
    return cache_key(request, project=project, provider=provider)


@pytest.mark.parametrize("name", [field.name for field in fields(Parameters)])
def test_every_parameter_is_part_of_the_key(name: str) -> None:
    changed = replace(BASE, parameters=replace(Parameters(), **{name: OTHER[name]}))
    assert key(changed) != key(BASE)


@pytest.mark.parametrize("name", [field.name for field in fields(Message)])
def test_every_part_of_a_message_is_part_of_the_key(name: str) -> None:
    changed = replace(BASE, messages=(replace(BASE.messages[0], **{name: OTHER_MESSAGE[name]}),))
    assert key(changed) != key(BASE)


def test_project_provider_and_model_are_part_of_the_key() -> None:
    keys = {key(BASE), key(BASE, project=2), key(BASE, provider="openai"), key(replace(BASE, model="n"))}
    assert len(keys) == 4


def test_a_purge_changes_the_key() -> None:
    keys = {
        cache_key(BASE, project=1, provider="gemini", purges=counts)
        for counts in [(0, 0, 0), (0, 1, 0), (1, 0, 0)]
    }
    assert len(keys) == 3


def test_a_colon_moves_nothing_from_one_field_to_the_next() -> None:
    one = CompletionRequest(model="gemini:flash", messages=(Message(role="user", content="hello"),))
    other = CompletionRequest(model="flash", messages=(Message(role="user", content="hello:gemini"),))
    assert key(one) != key(other)


def test_the_order_of_a_schemas_fields_changes_nothing() -> None:
    schemas = ({"a": 1, "b": 2}, {"b": 2, "a": 1})
    keys = {key(replace(BASE, parameters=Parameters(response_schema=schema))) for schema in schemas}
    assert len(keys) == 1


texts = st.text(max_size=8)
turns = st.lists(st.builds(Message, role=st.sampled_from(["user", "assistant"]), content=texts), max_size=3)
requests = st.builds(CompletionRequest, model=texts, messages=turns.map(tuple))


@given(requests, requests)
def test_keys_are_equal_exactly_where_requests_are(one: CompletionRequest, other: CompletionRequest) -> None:
    assert (key(one) == key(other)) == (one == other)
