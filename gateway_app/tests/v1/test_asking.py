"""How OpenAI's request becomes ours, and our failures OpenAI's."""

import json
from typing import Any

import pytest

from gateway_app import exceptions as ours
from gateway_app.authentication import ANONYMOUS
from gateway_app.errors import Failure
from gateway_app.requests import ChatRequest
from gateway_app.tests.v1.conftest import WEATHER, body, user
from gateway_app.v1.asking import ask
from gateway_app.v1.errors import translated, wire_failure
from gateway_app.v1.exceptions import BadParameter
from gateway_app.v1.reading import read
from prompts_app.exceptions import PromptNotFound


def asked(*, session: str = "", **fields: Any) -> ChatRequest:
    scope = {"request_id": "r-1", "headers": [(b"x-session-id", session.encode())]}
    return ask(scope, read(json.dumps(body("Hello", **fields)).encode()), ANONYMOUS)


def calling(identifier: str, function: str) -> dict[str, Any]:
    call = {"id": identifier, "type": "function", "function": {"name": function, "arguments": "{}"}}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def answering(identifier: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": identifier, "content": "done"}


@pytest.mark.parametrize(
    ("fields", "unit"),
    [
        ({}, "r-1"),
        ({"user": "ada"}, "ada"),
        ({"safety_identifier": "a1"}, "a1"),
        ({"user": "ada", "metadata": {"session_id": "s-1"}}, "s-1"),
        ({"user": "ada", "metadata": {"session_id": "s-1"}, "session": "s-2"}, "s-2"),
    ],
)
def test_a_split_follows_the_session_then_the_user(fields: dict[str, Any], unit: str) -> None:
    assert asked(**fields).unit == unit


def test_a_tools_answer_has_the_name_of_the_call_before_it() -> None:
    turns = [
        calling("call_1", "first"),
        answering("call_1"),
        calling("call_1", "second"),
        answering("call_1"),
    ]
    messages = asked(messages=[user("Go"), *turns]).messages
    assert [message.name for message in messages if message.role == "tool"] == ["first", "second"]


@pytest.mark.parametrize(
    ("given", "choice"),
    [
        ("auto", "auto"),
        ("required", "required"),
        (None, None),
        ({"type": "function", "function": {"name": "get_weather"}}, "get_weather"),
    ],
)
def test_a_tool_choice_is_a_mode_or_a_name(given: Any, choice: str | None) -> None:
    assert asked(tools=[WEATHER], tool_choice=given).parameters.tool_choice == choice


def test_a_tool_stays_strict_for_vendors_that_know_the_word() -> None:
    strict = {"type": "function", "function": WEATHER["function"] | {"strict": True}}
    assert [tool.get("strict") for tool in asked(tools=[strict]).parameters.tools] == [True]
    assert "strict" not in asked(tools=[WEATHER]).parameters.tools[0]


def test_a_tool_that_is_not_offered_cannot_be_chosen() -> None:
    choice = {"type": "function", "function": {"name": "get_wether"}}
    with pytest.raises(BadParameter) as caught:
        asked(tools=[WEATHER], tool_choice=choice)
    assert caught.value.param == "tool_choice"


def test_the_two_names_of_one_limit_exclude_each_other() -> None:
    assert asked(max_tokens=5).parameters.max_tokens == 5
    assert asked(max_completion_tokens=5).parameters.max_tokens == 5
    with pytest.raises(BadParameter):
        asked(max_tokens=5, max_completion_tokens=5)


def test_an_images_kind_is_the_same_in_capitals() -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/SVG+xml;base64,aGk="}}
    said = asked(messages=[{"role": "user", "content": [picture]}]).messages
    assert [image.media_type for image in said[0].images] == ["image/svg+xml"]


def test_one_stop_is_a_list_of_one() -> None:
    assert asked(stop="END").parameters.stop == ("END",)


@pytest.mark.parametrize(("effort", "budget"), [("none", 0), ("low", 1024), ("high", 24576), (None, None)])
def test_effort_is_a_thinking_budget(effort: str | None, budget: int | None) -> None:
    assert asked(reasoning_effort=effort).parameters.thinking_budget == budget


def test_a_version_that_is_named_twice_is_named_alike() -> None:
    assert asked(model="prompt:greeter@v2", version="v2").prompt_version == "v2"
    with pytest.raises(BadParameter):
        asked(model="prompt:greeter@v2", version="v1")


def test_a_spent_budget_is_not_worth_another_try() -> None:
    spent = translated(Failure(status=402, code="budget_spent", message="the budget is spent"))
    assert (spent.status, spent.code) == (429, "insufficient_quota")
    assert spent.reply(None).error.type == "insufficient_quota"
    assert spent.headers() == {"x-should-retry": "false"}


@pytest.mark.parametrize(
    ("exc", "status", "code"),
    [
        (ours.Unauthenticated("no"), 401, "invalid_api_key"),
        (ours.ModelNotFound("no"), 404, "model_not_found"),
        (PromptNotFound("no"), 404, "model_not_found"),
        (ours.ProviderRateLimited("slow down", retry_after=3), 429, "rate_limit_exceeded"),
        (
            ours.ProviderRefused("1200000 exceeds the maximum number of tokens"),
            400,
            "context_length_exceeded",
        ),
        (ours.ProviderUnavailable("away"), 502, "provider_unavailable"),
        (KeyError("a bug"), 500, "internal_error"),
    ],
)
def test_failures_have_openais_statuses_and_codes(exc: Exception, status: int, code: str) -> None:
    found = wire_failure(exc)
    assert (found.status, found.code) == (status, code)
    assert found.reply("r-1").error.type == {429: "rate_limit_error"}.get(
        status, "server_error" if status >= 500 else "invalid_request_error"
    )
