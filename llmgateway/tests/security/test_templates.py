"""What people say is text: no template language works on it, ours included."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import httpx
import pytest

from gateway_app.testing.process import SimulatorControl
from llmgateway.stack import Stack
from llmgateway.tests.security.templates import PAYLOADS
from prompts_app.rendering import parse


@pytest.fixture(scope="module")
def web(own_stack: Stack, mighty: dict[str, str]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=own_stack.url, headers=mighty, timeout=20) as client:
        yield client


@pytest.fixture(scope="module")
def vendor(own_stack: Stack) -> SimulatorControl:
    return SimulatorControl(own_stack.simulator_url)


def told(vendor: SimulatorControl) -> list[str]:
    """Every text of the last request, the system's first."""
    [request] = vendor.requests(1)
    body: dict[str, Any] = request.body
    turns = [body.get("systemInstruction", {"parts": []}), *body["contents"]]
    return [part["text"] for turn in turns for part in turn["parts"]]


def test_there_are_enough_of_them() -> None:
    assert len(PAYLOADS) >= 200


def test_a_variable_reaches_the_vendor_to_the_letter(web: httpx.Client, vendor: SimulatorControl) -> None:
    for payload in PAYLOADS:
        sent = {"variables": {"text": f"<{payload}>"}, "version": "v1"}
        assert web.post("/prompts/summarizer/chat", json=sent).status_code == 200, payload
        assert f"<{payload}>" in told(vendor)[-1], payload


def test_messages_reach_the_vendor_to_the_letter(web: httpx.Client, vendor: SimulatorControl) -> None:
    for payload in PAYLOADS:
        roles = ("system", "user", "assistant", "user")
        messages = [{"role": role, "content": f"{role} {payload}"} for role in roles]
        sent = {"model": "gemini-2.5-flash", "messages": messages}
        assert web.post("/v1/chat/completions", json=sent).status_code == 200, payload
        assert told(vendor) == [message["content"] for message in messages]


def test_what_two_values_make_together_is_no_placeholder() -> None:
    template = parse("{{a}}{{b}}{{c}}")
    for one, other in pairwise(PAYLOADS):
        for values in (
            {"a": one, "b": other, "c": ""},
            {"a": "{{", "b": one, "c": "}}"},
            {"a": "{", "b": "{a", "c": "}}"},
        ):
            assert template.render(values) == "".join(values.values())


def test_in_a_prompts_own_text_names_alone_are_filled_in() -> None:
    for payload in PAYLOADS:
        template = parse(payload)
        assert template.variables <= {"text", "name", "self", "request", "config", "x"}, payload
        assert template.render(dict.fromkeys(template.variables, "…")).count("…") <= payload.count("{{")
