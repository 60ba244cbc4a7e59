"""The ledger over REST: sums, single calls, and what people think of them."""

import csv
import io
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import psycopg
import pytest
import redis

from gateway_app.tests.clients import Browser, open_browser
from gateway_app.tracing.scores import SCORES
from llmgateway.env import ROOT
from llmgateway.stack import Stack


@pytest.fixture
def api(stack: Stack) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {stack.key}"}
    with httpx.Client(base_url=stack.url, headers=headers, timeout=20) as client:
        yield client


@pytest.fixture(scope="module")
def strangers_key(stack: Stack) -> str:
    command = [sys.executable, ROOT / "manage.py", "create_key", "--project", "strangers", "--name", "one"]
    made = subprocess.run(
        command, env={**os.environ, **stack.env}, capture_output=True, check=True, text=True
    )
    time.sleep(1)
    return made.stdout.strip()


@pytest.fixture
def stranger(stack: Stack, strangers_key: str) -> Iterator[httpx.Client]:
    """Another project's key."""
    headers = {"Authorization": f"Bearer {strangers_key}"}
    with httpx.Client(base_url=stack.url, headers=headers, timeout=20) as client:
        yield client


@pytest.fixture
def asked(api: httpx.Client) -> str:
    """A call that has just ended; its request id."""
    body = {"prompt": f"The sea rose at {time.time_ns()}. The ship sank."}
    return str(api.post("/summarize", json=body).json()["request_id"])


def eventually(ask: Callable[[], httpx.Response]) -> Any:
    """The first answer that is a 200: the ledger is some moments behind."""
    deadline = time.monotonic() + 15
    while (answer := ask()).status_code != 200:
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.1)
    return answer.json()


def until(ask: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 20
    while not (found := ask()):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return found


class TestCalls:
    def test_a_call_is_explained(self, api: httpx.Client, asked: str) -> None:
        found = eventually(lambda: api.get(f"/calls/{asked}"))
        assert (found["request_id"], found["prompt_name"], found["outcome"]) == (asked, "summarizer", "ok")
        names = [moment["name"] for moment in found["timeline"]]
        assert names[0] == "parse"
        assert {"resolve", "cache", "try 1", "first token", "end"} <= set(names)
        total = sum(line["cost_usd"] for line in found["bill"])
        assert total == pytest.approx(found["cost_usd"])
        assert found["trouble"] is None

    def test_a_failed_call_says_why_and_what_to_do(self, api: httpx.Client) -> None:
        failed = api.post("/prompts/summarizer/chat", json={"variables": {"nothing": 1}})
        found = eventually(lambda: api.get(f"/calls/{failed.json()['request_id']}"))
        assert found["trouble"]["code"] == "variables_invalid"
        assert found["trouble"]["cause"]
        assert found["trouble"]["advice"]

    def test_a_call_with_a_name_that_none_has_is_not_there(self, api: httpx.Client) -> None:
        assert api.get("/calls/a%00b").status_code == 404

    def test_another_projects_call_is_not_there(
        self, api: httpx.Client, stranger: httpx.Client, asked: str
    ) -> None:
        eventually(lambda: api.get(f"/calls/{asked}"))
        answer = stranger.get(f"/calls/{asked}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "call_not_found")


class TestFeedback:
    @pytest.mark.parametrize("value", [True, 4.5, "Too long."], ids=["thumbs", "number", "text"])
    def test_a_word_on_a_call_that_has_just_ended_is_kept(
        self, value: object, api: httpx.Client, asked: str
    ) -> None:
        word = {"request_id": asked, "name": "liked", "value": value, "comment": "by mail"}
        answer = api.post("/feedback", json=word)
        assert (answer.status_code, answer.json()) == (200, word)

    def test_tracers_are_told_which_call_it_is_about(
        self, api: httpx.Client, stack: Stack, asked: str
    ) -> None:
        assert api.post("/feedback", json={"request_id": asked, "name": "traced", "value": 4.5}).is_success
        call_id = api.get(f"/calls/{asked}").json()["id"]
        with redis.Redis.from_url(stack.redis_url) as client:
            told: Any = client.lrange(SCORES, 0, -1)
        assert any(b'"traced"' in score and call_id.encode() in score for score in told)

    def test_the_newest_word_under_a_name_holds(self, api: httpx.Client, stack: Stack, asked: str) -> None:
        for value in (True, "Rather not.", False):
            assert api.post(
                "/feedback", json={"request_id": asked, "name": "liked", "value": value}
            ).is_success
        with psycopg.connect(stack.database_url) as connection:
            rows = connection.execute(
                "SELECT kind, number, text FROM gateway_app_feedback WHERE request_id = %s", (asked,)
            ).fetchall()
        assert rows == [("thumbs", 0, None)]

    def test_a_call_still_in_the_stream_can_be_judged(self, stack: Stack, api: httpx.Client) -> None:
        stack.kill("ledger")
        try:
            asked = api.post("/chat", json={"prompt": f"Wait {time.time_ns()}."}).json()["request_id"]
            answer = api.post("/feedback", json={"request_id": asked, "name": "liked", "value": True})
            assert answer.status_code == 200
            assert api.get(f"/calls/{asked}").status_code == 404
        finally:
            stack.restart("ledger")
        eventually(lambda: api.get(f"/calls/{asked}"))

    @pytest.mark.parametrize("unknown", ["none", "a\0b"], ids=["none", "NUL"])
    def test_a_call_that_nobody_made_cannot_be_judged(self, unknown: str, api: httpx.Client) -> None:
        answer = api.post("/feedback", json={"request_id": unknown, "name": "liked", "value": True})
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "call_not_found")

    def test_another_projects_call_cannot_be_judged(self, stranger: httpx.Client, asked: str) -> None:
        answer = stranger.post("/feedback", json={"request_id": asked, "name": "liked", "value": True})
        assert answer.status_code == 404

    @pytest.mark.parametrize(
        "wrong",
        [
            {"value": 1.7e308},
            {"value": -1.1e9},
            {"value": 10**400},
            {"value": None},
            {"value": [1]},
            {"name": "A B"},
            {"value": ""},
            {"more": 1},
            {"request_id": ""},
        ],
    )
    def test_a_wrong_word_is_refused(self, wrong: dict[str, Any], api: httpx.Client) -> None:
        word = {"request_id": "r", "name": "liked", "value": True} | wrong
        assert api.post("/feedback", json=word).status_code == 400


class TestUsage:
    def rows(self, api: httpx.Client, **parameters: str) -> Any:
        return api.get("/usage", params=parameters).json()["rows"]

    def test_what_was_called_is_in_the_sums_within_seconds(self, api: httpx.Client, asked: str) -> None:
        before = api.get("/usage").json()["total"]["calls"]
        api.post("/chat", json={"prompt": "One more."})
        report = until(lambda: (r := api.get("/usage").json())["total"]["calls"] > before and r)
        today = datetime.now(UTC).date().isoformat()
        assert report["to"] == today
        assert [row["day"] for row in report["rows"]] == [today]
        assert report["total"]["cost_usd"] > 0
        assert report["total"]["latency_ms"]["p95"] >= report["total"]["latency_ms"]["p50"] > 0
        for span in ("day", "month"):
            spans = api.get("/usage", params={"group": span}).json()["rows"]
            assert all(row["latency_ms"]["p95"] >= row["latency_ms"]["p50"] > 0 for row in spans)
            assert spans

    def test_groups_and_filters_divide_the_same_calls(self, api: httpx.Client, asked: str) -> None:
        rows = until(lambda: self.rows(api, group="prompt_version,model"))
        assert "summarizer" in {row["prompt"] for row in rows}
        one = [row for row in rows if row["prompt"] == "summarizer"]
        filtered = api.get("/usage", params={"group": "key", "prompt": "summarizer"}).json()
        assert filtered["total"]["calls"] >= sum(row["calls"] for row in one)
        assert [row["key_name"] for row in filtered["rows"]] == ["made at the first start"]

    def test_another_projects_calls_are_not_in_it(self, stranger: httpx.Client, asked: str) -> None:
        assert stranger.get("/usage").json()["total"]["calls"] == 0

    @pytest.mark.parametrize(
        ("headers", "parameters"),
        [({"Accept": "text/csv"}, {}), ({}, {"format": "csv"})],
        ids=["header", "format"],
    )
    def test_a_spreadsheet_gets_csv(
        self, headers: dict[str, str], parameters: dict[str, str], api: httpx.Client, asked: str
    ) -> None:
        until(lambda: self.rows(api, group="model"))
        answer = api.get("/usage", params={"group": "model", **parameters}, headers=headers)
        assert answer.headers["Content-Type"].startswith("text/csv")
        lines = {line["model"]: line for line in csv.DictReader(io.StringIO(answer.text))}
        assert int(lines["gemini-2.5-flash"]["calls"]) > 0
        assert float(lines["gemini-2.5-flash"]["latency_ms_p95"]) > 0

    def test_an_error_is_json_even_for_a_spreadsheet(self, api: httpx.Client) -> None:
        answer = api.get("/usage", params={"format": "csv", "from": "yesterday"})
        assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/json")

    @pytest.mark.parametrize(
        ("parameters", "param"),
        [
            ({"group": "colour"}, "group"),
            ({"from": "yesterday"}, "from"),
            ({"from": "2026-02-01", "to": "2026-01-01"}, "from"),
            ({"from": "2001-01-01"}, "from"),
            ({"from": "9999-12-30", "to": "9999-12-31"}, "to"),
            ({"from": "9999-12-30"}, "from"),
            ({"colour": "red"}, "colour"),
            ({"format": "xml"}, None),
            ({"model": ["a", "b"]}, "model"),
        ],
    )
    def test_a_wrong_parameter_is_refused_by_name(
        self, parameters: dict[str, Any], param: str | None, api: httpx.Client
    ) -> None:
        answer = api.get("/usage", params=parameters)
        assert answer.status_code in (400, 404)
        assert answer.json()["error"]["param"] == param

    def test_the_earliest_day_has_no_day_before(self, api: httpx.Client) -> None:
        assert api.get("/usage", params={"to": "0001-01-02"}).status_code == 200

    def test_the_last_day_but_one_is_answered(self, api: httpx.Client) -> None:
        latest = {"from": "9999-12-29", "to": "9999-12-30"}
        assert api.get("/usage", params=latest).json()["total"]["calls"] == 0


def test_without_the_scope_there_is_nothing_to_see(stack: Stack) -> None:
    assert httpx.get(f"{stack.url}/usage").status_code == 401


def test_the_call_page_tells_the_whole_story(stack: Stack, api: httpx.Client, asked: str) -> None:
    found = eventually(lambda: api.get(f"/calls/{asked}"))
    with open_browser(stack) as browser:
        page = _text(browser, f"/admin/gateway_app/call/{found['id']}/change/")
        assert "What happened when" in page
        assert "it was the active version" in page
        assert "What it cost" in page
        listed = _text(browser, f"/admin/gateway_app/call/?q={asked}")
        assert asked in listed


def _text(browser: Browser, path: str) -> str:
    answer = browser.client.get(path)
    assert answer.status_code == 200
    return answer.text


def test_the_addresses_are_in_the_document(stack: Stack) -> None:
    document = httpx.get(f"{stack.url}/schema/?format=json").json()
    usage = document["paths"]["/usage"]["get"]
    assert {"from", "to", "group", "format"} <= {parameter["name"] for parameter in usage["parameters"]}
    assert {"/feedback", "/calls/{request_id}"} <= set(document["paths"])
