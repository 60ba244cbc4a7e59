"""Prompts through OpenAI's door: `model="prompt:<name>[@<version>]"`."""

from typing import Any

import httpx
import pytest
from openai import NotFoundError, OpenAI, UnprocessableEntityError

from gateway_app.testing.process import SimulatorControl
from gateway_app.tests.v1.conftest import ADDRESS, user

TEXT = "The river rose in the night. By morning the bridge was gone. Nobody was hurt."


def run(client: OpenAI, model: str, **fields: Any) -> Any:
    asked = {"messages": [], "extra_body": {"variables": {"text": TEXT}}} | fields
    return client.chat.completions.create(model=model, **asked)


def test_a_prompt_is_run_by_its_name(client: OpenAI) -> None:
    reply = run(client, "prompt:summarizer")
    assert reply.model == "prompt:summarizer"
    assert "river" in reply.choices[0].message.content
    assert reply.model_extra["x_gateway"]["prompt_version"]


def test_a_version_may_be_named_in_two_ways(wire: httpx.Client) -> None:
    ways: list[dict[str, Any]] = [
        {"model": "prompt:summarizer@v2"},
        {"model": "prompt:summarizer", "version": "v2"},
    ]
    for way in ways:
        reply = wire.post(ADDRESS, json={**way, "variables": {"text": TEXT}})
        assert reply.headers["x-prompt-version"] == "v2"


def test_messages_follow_the_prompts_own(client: OpenAI, vendor: SimulatorControl) -> None:
    more = [{"role": "assistant", "content": "It was a flood."}, user("In three words, please.")]
    run(client, "prompt:summarizer@v1", messages=more)
    turns = vendor.requests(1)[-1].body["contents"]
    assert TEXT in turns[0]["parts"][0]["text"]
    assert [turn["parts"][0]["text"] for turn in turns[1:]] == ["It was a flood.", "In three words, please."]


def test_what_the_caller_says_wins_over_the_version(client: OpenAI, vendor: SimulatorControl) -> None:
    run(client, "prompt:summarizer@v1", temperature=1.5)
    config = vendor.requests(1)[-1].body["generationConfig"]
    assert (config["temperature"], config["maxOutputTokens"]) == (1.5, 512)


@pytest.mark.parametrize("model", ["prompt:nobody", "prompt:summarizer@v99", "prompt:", "prompt:No Name"])
def test_a_prompt_that_is_not_there_is_a_model_that_is_not_there(client: OpenAI, model: str) -> None:
    with pytest.raises(NotFoundError) as caught:
        run(client, model)
    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")


def test_missing_variables_are_named(client: OpenAI) -> None:
    with pytest.raises(UnprocessableEntityError, match="text") as caught:
        run(client, "prompt:summarizer", extra_body={})
    assert caught.value.param == "variables"
