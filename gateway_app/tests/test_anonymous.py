"""Who calls without a key sees what was called without a key, and nothing of editors and evaluations."""

import secrets
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from gateway_app.tests.clients import open_browser
from gateway_app.tests.test_ledger_views import eventually, until
from gateway_app.tests.test_playground import playground, trial
from llmgateway.stack import Stack


@pytest.fixture
def api(keyless: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=keyless, timeout=20) as client:
        yield client


@pytest.fixture
def text() -> str:
    return f"The sea is wide at {secrets.token_hex(4)}. The sea is deep."


async def tried(stack: Stack, text: str) -> dict[str, Any]:
    """The `start` of an editor's trial whose answer may be kept."""
    with open_browser(stack) as browser:
        async with playground(stack, browser.client.cookies) as socket:
            await socket.send(**trial(variables={"text": text}, cached=True))
            frames = await socket.until_done("1")
    assert frames[-1]["type"] == "end"
    return frames[0]


def ask(api: httpx.Client, text: str) -> httpx.Response:
    answer = api.post("/prompts/summarizer/chat", json={"variables": {"text": text}, "version": "v1"})
    assert answer.status_code == 200, answer.text
    return answer


async def test_an_editors_trials_are_in_no_anonymous_callers_figures(
    stack: Stack, api: httpx.Client, text: str
) -> None:
    request_id = (await tried(stack, text))["request_id"]
    mine = ask(api, text).json()["request_id"]
    eventually(lambda: api.get(f"/calls/{mine}"))

    def rows() -> list[dict[str, Any]]:
        return list(api.get("/usage", params={"group": "key,surface"}).json()["rows"])

    assert until(rows)
    assert {(row["key_name"], row["surface"]) for row in rows()} == {(None, "chat")}
    assert api.get("/usage", params={"surface": "playground"}).json()["total"]["calls"] == 0
    assert api.get(f"/calls/{request_id}").status_code == 404
    word = {"request_id": request_id, "name": "liked", "value": True}
    assert api.post("/feedback", json=word).status_code == 404
    assert api.post("/feedback", json=word | {"request_id": mine}).status_code == 200


async def test_an_editors_answer_is_not_given_to_an_anonymous_caller(
    stack: Stack, api: httpx.Client, text: str
) -> None:
    await tried(stack, text)
    assert ask(api, text).headers["X-Cache"] == "MISS"
    assert ask(api, text).headers["X-Cache"] == "HIT"


async def test_an_anonymous_callers_answer_is_not_given_to_an_editor(
    stack: Stack, api: httpx.Client, text: str
) -> None:
    ask(api, text)
    assert not (await tried(stack, text))["cache_hit"]
    assert (await tried(stack, text))["cache_hit"]
