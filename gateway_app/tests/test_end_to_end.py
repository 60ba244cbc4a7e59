"""The whole road, over real sockets: the admin, REST, streams, the WebSocket, the ledger."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from psycopg.rows import dict_row

from gateway_app.testing.process import SimulatorControl
from gateway_app.tests.clients import Browser, events, open_browser, open_socket
from llmgateway.env import ROOT
from llmgateway.stack import Stack

LICENCE = (Path(__file__).parent / "texts" / "apache-2.0.txt").read_text()
"""A real text, long and dense."""

FIELDS = {
    "response",
    "model",
    "latency",
    "cache_hit",
    "request_id",
    "usage",
    "cost_usd",
    "finish_reason",
    "prompt_name",
    "prompt_version",
}
TOKENS = {"input_tokens", "cached_tokens", "output_tokens", "thinking_tokens", "total_tokens"}


@pytest.fixture
def browser(stack: Stack) -> Iterator[Browser]:
    with open_browser(stack) as opened:
        yield opened


@pytest.fixture
def api(stack: Stack) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {stack.key}"}
    with httpx.Client(base_url=stack.url, headers=headers, timeout=20) as client:
        yield client


def row(stack: Stack, request_id: str) -> dict[str, Any]:
    """The ledger's row, which is there within a few seconds."""
    with psycopg.connect(stack.database_url, autocommit=True, row_factory=dict_row) as connection:
        deadline = time.monotonic() + 8
        while time.monotonic() < deadline:
            rows = connection.execute(
                "SELECT * FROM gateway_app_call WHERE request_id = %s", (request_id,)
            ).fetchall()
            if rows:
                assert len(rows) == 1
                return rows[0]
            time.sleep(0.05)
    raise AssertionError(f"the ledger has no call {request_id}")


def version_id(stack: Stack, prompt: str, label: str) -> tuple[int, int]:
    query = (
        "SELECT p.id, v.id FROM prompts_app_prompt p JOIN prompts_app_promptversion v ON v.prompt_id = p.id "
        "WHERE p.name = %s AND v.label = %s"
    )
    with psycopg.connect(stack.database_url) as connection:
        found = connection.execute(query, (prompt, label)).fetchone()
    assert found
    return found[0], found[1]


def live_versions(api: httpx.Client, *, units: int) -> set[str]:
    """Which versions `units` users get, each asked once; answered from the cache after the first time."""
    return {
        api.post("/summarize", json={"prompt": "A sentence. Another one.", "user": f"u{number}"}).json()[
            "prompt_version"
        ]
        for number in range(units)
    }


def test_what_an_editor_saves_answers_the_next_call(
    stack: Stack, api: httpx.Client, browser: Browser
) -> None:
    prompt, second = version_id(stack, "summarizer", "v2")
    page = f"/admin/prompts_app/prompt/{prompt}/change/"

    browser.submit(page, active_version=str(second), traffic_split="{}")
    time.sleep(1)
    assert live_versions(api, units=4) == {"v2"}

    browser.submit(page, traffic_split=json.dumps({"v1": 50, "v2": 50}))
    time.sleep(1)
    assert live_versions(api, units=16) == {"v1", "v2"}

    _, first = version_id(stack, "summarizer", "v1")
    browser.submit(page, active_version=str(first), traffic_split="{}")
    time.sleep(1)
    assert live_versions(api, units=4) == {"v1"}


def test_the_second_call_is_a_hit_and_costs_nothing(stack: Stack, api: httpx.Client) -> None:
    body = {"prompt": "What is a tide? Explain it to a sailor.", "max_tokens": 300}
    first, second = api.post("/chat", json=body), api.post("/chat", json=body)
    missed, hit = first.json(), second.json()
    assert set(missed) == FIELDS
    assert set(missed["usage"]) == TOKENS
    assert (missed["cache_hit"], hit["cache_hit"]) == (False, True)
    assert (first.headers["X-Cache"], second.headers["X-Cache"]) == ("MISS", "HIT")
    assert hit["response"] == missed["response"]
    assert hit["usage"] == missed["usage"]
    assert missed["cost_usd"] > 0
    assert hit["cost_usd"] == 0
    assert missed["finish_reason"] == "stop"
    assert missed["request_id"] == first.headers["X-Request-ID"]
    kept = row(stack, hit["request_id"])
    assert (kept["cache"], kept["outcome"], kept["cost_usd"]) == ("HIT", "ok", 0)
    assert float(kept["saved_usd"]) == missed["cost_usd"]


@pytest.mark.parametrize(
    "part", [("--prompt", "summarizer"), ("--model", "gemini-2.5-flash"), ("--project", "demo")]
)
def test_what_is_purged_is_asked_anew_everywhere(
    stack: Stack, api: httpx.Client, part: tuple[str, str]
) -> None:
    body = {"prompt": f"The tide {part[0]} comes. The tide goes."}
    assert not api.post("/summarize", json=body).json()["cache_hit"]
    assert api.post("/summarize", json=body).json()["cache_hit"]
    subprocess.run(
        [sys.executable, ROOT / "manage.py", "purge_cache", *part],
        env=stack.env,
        check=True,
        capture_output=True,
    )
    time.sleep(1)
    assert not api.post("/summarize", json=body).json()["cache_hit"]


def test_a_callers_cache_control_is_obeyed(api: httpx.Client) -> None:
    body = {"prompt": "Obey my wishes about caches."}
    assert api.post("/chat", json=body, headers={"Cache-Control": "no-store"}).headers["X-Cache"] == "BYPASS"
    assert api.post("/chat", json=body).headers["X-Cache"] == "MISS"
    assert api.post("/chat", json=body, headers={"Cache-Control": "max-age=60"}).headers["X-Cache"] == "HIT"
    assert api.post("/chat", json=body, headers={"Cache-Control": "max-age=0"}).headers["X-Cache"] == "MISS"
    assert api.post("/chat", json=body, headers={"Cache-Control": "no-cache"}).headers["X-Cache"] == "BYPASS"
    assert api.post("/chat", json=body).headers["X-Cache"] == "HIT"


@pytest.mark.parametrize("path", ["/chat", "/chat/stream"])
async def test_a_hundred_who_ask_the_same_at_once_are_one_call(stack: Stack, path: str) -> None:
    control = SimulatorControl(stack.simulator_url)
    await asyncio.to_thread(control.reset_stats)
    body = {"prompt": f"Why is the sea salty? Asked over {path}. [[fault:latency ms=300]]"}
    headers = {"Authorization": f"Bearer {stack.key}"}
    async with httpx.AsyncClient(base_url=stack.url, headers=headers, timeout=20) as client:
        answers = await asyncio.gather(*(client.post(path, json=body) for _ in range(100)))
    assert {answer.status_code for answer in answers} == {200}
    texts = {answer.text if path.endswith("stream") else answer.json()["response"] for answer in answers}
    assert len(texts) == 1
    assert [answer.headers["X-Cache"] for answer in answers].count("MISS") == 1
    assert (await asyncio.to_thread(control.stats)).calls == 1
    if path == "/chat":
        assert sum(answer.json()["cost_usd"] > 0 for answer in answers) == 1


@pytest.mark.parametrize("version", ["v1", "v2"])
async def test_a_long_text_is_summarized_alike_over_every_wire(
    stack: Stack, api: httpx.Client, version: str
) -> None:
    body = {"variables": {"text": LICENCE}, "version": version}
    whole = api.post("/prompts/summarizer/chat", json=body)
    assert whole.status_code == 200, whole.text
    summary = whole.json()["response"]
    assert 20 < len(summary) < len(LICENCE) / 4
    assert whole.headers["X-Prompt-Version"] == whole.json()["prompt_version"] == version

    with api.stream(
        "POST", "/prompts/summarizer/stream", json=body, headers={"Accept": "text/event-stream"}
    ) as sse:
        streamed = list(events(sse))
    assert [event.name for event in streamed[:1]] == ["start"]
    assert "".join(event.data["text"] for event in streamed if event.name == "delta") == summary
    assert streamed[0].data["prompt_version"] == version
    assert streamed[-1].name == "end"
    assert streamed[-1].data["cache_hit"] is True
    assert streamed[-1].data["usage"] == whole.json()["usage"]

    plain = api.post("/prompts/summarizer/stream", json=body)
    assert plain.headers["Content-Type"].startswith("text/plain")
    assert plain.text == summary

    async with open_socket(stack) as socket:
        await socket.send(
            type="chat", id="c1", prompt_name="summarizer", variables={"text": LICENCE}, version=version
        )
        frames = await socket.until_done("c1")
    assert [frames[0]["type"], frames[-1]["type"]] == ["start", "end"]
    assert frames[0]["prompt_version"] == version
    assert "".join(frame["text"] for frame in frames if frame["type"] == "delta") == summary
    assert frames[-1]["usage"] == whole.json()["usage"]


def test_two_versions_say_different_things(api: httpx.Client) -> None:
    answers = {
        api.post(
            "/prompts/summarizer/chat", json={"variables": {"text": LICENCE}, "version": version}
        ).json()["response"]
        for version in ("v1", "v2")
    }
    assert len(answers) == 2


def test_the_ledger_says_what_a_call_cost_and_how_it_went(stack: Stack, api: httpx.Client) -> None:
    body = {"prompt": "The sea rose. The ship sank. Nobody was hurt.", "temperature": 0.1, "user": "u1"}
    reply = api.post("/summarize", json=body).json()
    kept = row(stack, reply["request_id"])
    assert kept["prompt_name"] == "summarizer"
    assert kept["prompt_version"] == reply["prompt_version"]
    assert {name: kept[name] for name in TOKENS} == reply["usage"]
    assert float(kept["cost_usd"]) == reply["cost_usd"]
    assert kept["latency_ms"] == pytest.approx(reply["latency"] * 1000, abs=0.01)
    assert kept["temperature"] == 0.1
    assert (kept["surface"], kept["cache"], kept["outcome"], kept["finish_reason"]) == (
        "chat",
        "MISS",
        "ok",
        "stop",
    )
    assert kept["key_id"] == stack.key.split("_")[1]
    assert [attempt["error"] for attempt in kept["attempts"]] == [None]


def test_the_admin_shows_the_ledger_and_lets_nobody_change_it(
    stack: Stack, api: httpx.Client, browser: Browser
) -> None:
    reply = api.post("/chat", json={"prompt": "A call to look at."}).json()
    kept = row(stack, reply["request_id"])
    listed = browser.client.get(f"/admin/gateway_app/call/?q={reply['request_id']}")
    assert reply["request_id"] in listed.text
    filtered = browser.client.get(
        "/admin/gateway_app/call/?outcome=ok&prompt_name=summarizer&model=gemini-2.5-flash"
    )
    assert filtered.status_code == 200
    page = f"/admin/gateway_app/call/{kept['id']}/change/"
    assert browser.client.get(page).status_code == 200
    token = browser.client.cookies["csrftoken"]
    headers = {"X-CSRFToken": token, "Referer": f"{stack.url}{page}"}
    assert browser.client.post(page, data={"outcome": "error"}, headers=headers).status_code == 403
    assert row(stack, reply["request_id"])["outcome"] == "ok"
