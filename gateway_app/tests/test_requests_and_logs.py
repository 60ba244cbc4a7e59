"""Every request has an id, every log line has it, and bad input is an answer."""

import json
import time
from collections.abc import Iterator
from contextlib import suppress

import httpx
import pytest
import websockets

from gateway_app.tests.clients import open_browser, open_socket
from llmgateway.stack import Stack

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def api(stack: Stack) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {stack.key}"}
    with httpx.Client(base_url=stack.url, headers=headers, timeout=20) as client:
        yield client


def lines_of(stack: Stack, request_id: str, *, count: int) -> list[dict[str, object]]:
    """The log's lines of one request, once there are `count`."""
    deadline = time.monotonic() + 3
    while True:
        lines = [json.loads(line) for line in stack.log_lines() if request_id in line]
        if len(lines) >= count or time.monotonic() > deadline:
            return lines
        time.sleep(0.05)


def test_a_sane_request_id_is_kept(api: httpx.Client) -> None:
    answer = api.post("/chat", json={"prompt": "Who am I?"}, headers={"X-Request-ID": "my.id_1-A"})
    assert answer.headers["X-Request-ID"] == answer.json()["request_id"] == "my.id_1-A"


@pytest.mark.parametrize(
    "given", ["", "with space", "a" * 129, "id;drop", "umlaut-\u00fc".encode(), b"a\x00b"[:1] + b"/b"]
)
def test_any_other_request_id_is_replaced(api: httpx.Client, given: str | bytes) -> None:
    answer = api.get("/prompts/nobody/x", headers={"X-Request-ID": given})
    assert answer.headers["X-Request-ID"] not in (given, "")
    assert answer.json()["request_id"] == answer.headers["X-Request-ID"]


def test_the_log_follows_a_request_from_the_prompt_to_its_end(stack: Stack, api: httpx.Client) -> None:
    secret = "a sentence that no log may hold"
    api.post("/summarize", json={"prompt": secret}, headers={"X-Request-ID": "logged-1"})
    lines = lines_of(stack, "logged-1", count=4)
    named = {line["event"]: line for line in lines}
    assert list(named) == ["prompt_rendered", "cache_miss", "upstream_call", "request_done"]
    assert named["prompt_rendered"]["prompt"] == "summarizer"
    assert named["prompt_rendered"]["reason"] == "active"
    assert all(line["request_id"] == "logged-1" for line in lines)
    assert all(isinstance(named[event]["ms"], float) for event in named)
    assert named["request_done"]["outcome"] == "ok"
    whole = "\n".join(stack.log_lines())
    assert secret not in whole
    assert stack.key not in whole
    assert stack.key.split("_")[2] not in whole


def test_a_page_that_is_refused_is_one_line_of_the_log_without_a_stack(stack: Stack) -> None:
    with open_browser(stack) as browser:
        refused = browser.client.get("/admin/gateway_app/call/add/", headers={"X-Request-ID": "refused-1"})
    assert refused.status_code == 403
    (line,) = [one for one in lines_of(stack, "refused-1", count=1) if one["level"] == "warning"]
    assert "/admin/gateway_app/call/add/" in str(line["event"])
    assert "exception" not in line


def test_a_name_for_us_that_is_not_ours_is_one_line_too(stack: Stack) -> None:
    names = {"Host": "evil.example", "X-Request-ID": "host-1"}
    assert httpx.get(f"{stack.url}/admin/login/", headers=names).status_code == 400
    (line,) = [one for one in lines_of(stack, "host-1", count=1) if "HTTP_HOST" in str(one["event"])]
    assert "exception" not in line


BODIES = [
    b"",
    b"[]",
    b"{",
    b"\xff",
    b'{"prompt": 1}',
    b'{"prompt": "x", "y": 1}',
    b'{"prompt": NaN}',
    b"\x00",
]
PATHS = [
    "/chat",
    "/summarize",
    "/prompts/summarizer/chat",
    "/chat/stream",
    "/summarize/stream",
    "/prompts/summarizer/stream",
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("body", BODIES)
def test_a_bad_body_is_a_400_in_our_shape_on_every_path(api: httpx.Client, path: str, body: bytes) -> None:
    answer = api.post(path, content=body, headers=JSON)
    assert answer.status_code == 400
    assert_our_shape(answer)


@pytest.mark.parametrize("path", PATHS)
def test_other_methods_and_types_are_refused_alike(api: httpx.Client, path: str) -> None:
    assert_our_shape(api.get(path), 405)
    assert_our_shape(api.put(path, json={}), 405)
    assert_our_shape(api.post(path, content=b"prompt=x", headers={"Content-Type": "text/plain"}), 415)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("authorization", ["", "Bearer gw_no", "Basic x", "Bearer " + "x" * 5000])
def test_without_a_good_key_nothing_is_read(stack: Stack, path: str, authorization: str) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    answer = httpx.post(f"{stack.url}{path}", content=b"{", headers={**headers, **JSON})
    assert_our_shape(answer, 401)
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("suffix", ["chat", "stream"])
@pytest.mark.parametrize(
    ("name", "body", "status", "code"),
    [
        ("nobody", {}, 404, "prompt_not_found"),
        ("summarizer", {"variables": {"text": "x"}, "version": "v99"}, 404, "prompt_version_not_found"),
        ("summarizer", {"variables": {}}, 422, "variables_invalid"),
        ("summarizer", {"variables": {"text": "x", "other": 1}}, 422, "variables_invalid"),
        ("summarizer", {"variables": {"text": "x"}, "model": "nobodys-model"}, 404, "model_not_found"),
    ],
)
def test_what_cannot_be_resolved_is_named(
    api: httpx.Client, suffix: str, name: str, body: dict[str, object], status: int, code: str
) -> None:
    answer = api.post(f"/prompts/{name}/{suffix}", json=body)
    assert_our_shape(answer, status)
    assert answer.json()["error"]["code"] == code


def test_the_registrys_errors_have_our_shape_too(stack: Stack, api: httpx.Client) -> None:
    assert_our_shape(api.get("/prompts/nobody"), 404)
    assert_our_shape(api.get("/prompts/summarizer/versions/v99"), 404)
    assert_our_shape(api.post("/prompts/summarizer/render", json={"variables": {}}), 422)
    assert_our_shape(api.post("/prompts/summarizer/render", content=b"{", headers=JSON), 400)
    assert_our_shape(api.delete("/prompts"), 405)
    assert_our_shape(httpx.get(f"{stack.url}/prompts", headers={"Authorization": "Bearer gw_no"}), 401)


@pytest.mark.parametrize("path", ["/chat", "/chat/stream"])
def test_a_body_over_the_limit_is_refused_before_it_is_read(api: httpx.Client, path: str) -> None:
    def drip() -> Iterator[bytes]:
        yield b'{"prompt": "'
        for _ in range(200):
            yield b"x" * 100_000

    announced = api.post(path, content=b"x" * (11 * 1024 * 1024), headers=JSON)
    assert_our_shape(announced, 413)
    with suppress(httpx.WriteError):  # the server may hang up before it has been sent all
        assert_our_shape(api.post(path, content=drip(), headers=JSON), 413)


@pytest.mark.parametrize("path", ["/nowhere", "/chat/", "/prompts/UPPER/chat/x", "/%00"])
def test_an_unknown_address_is_no_html_page(api: httpx.Client, path: str) -> None:
    assert_our_shape(api.get(path), 404)


def assert_our_shape(answer: httpx.Response, status: int | None = None) -> None:
    assert status is None or answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    assert set(answer.json()) == {"error", "request_id"}
    assert set(answer.json()["error"]) == {"message", "type", "code", "param"}
    assert answer.json()["request_id"] == answer.headers["X-Request-ID"]


FRAMES = [
    "",
    "{",
    "[]",
    "null",
    '"chat"',
    '{"type": "nobody"}',
    '{"type": "chat"}',
    '{"type": "chat", "id": 5, "prompt": "x"}',
    '{"type": "chat", "id": "", "prompt": "x"}',
    '{"type": "chat", "id": "c"}',
    '{"type": "chat", "id": "c", "prompt": "x", "prompt_name": "summarizer"}',
    '{"type": "chat", "id": "c", "prompt": "x", "temperature": NaN}',
    '{"type": "chat", "id": "c", "messages": []}',
    '{"type": "chat", "id": "c", "messages": [{"role": "robot", "content": "x"}]}',
    '{"type": "chat", "id": "c", "prompt": "x", "more": 1}',
    '{"type": "chat", "id": "c", "prompt_name": "nobody"}',
    '{"type": "chat", "id": "c", "prompt_name": "summarizer"}',
    b"\x00\x01",
    '{"a":' * 5000,
]


async def test_a_bad_frame_is_an_error_frame_and_the_socket_lives_on(stack: Stack) -> None:
    async with open_socket(stack) as socket:
        for frame in FRAMES:
            await socket.connection.send(frame)
            said = await socket.receive()
            assert said["type"] == "error", frame
            assert said["code"]
            assert said["message"]
        await socket.send(type="chat", id="c", prompt="Still there?")
        assert (await socket.until_done("c"))[-1]["type"] == "end"


async def test_a_frame_that_is_too_large_closes_the_socket(stack: Stack) -> None:
    async with open_socket(stack) as socket:
        with pytest.raises(websockets.ConnectionClosedError):
            await socket.send(type="chat", id="a", prompt="x" * 11_000_000)
            await socket.receive()
        assert socket.connection.close_code == 1009


async def test_several_chats_go_on_at_once_on_one_socket(stack: Stack) -> None:
    async with open_socket(stack) as socket:
        for name in ("a", "b", "c"):
            await socket.send(type="chat", id=name, prompt=f"Tell me of {name} and the sea.")
        order: list[str] = []
        ended: set[str] = set()
        while len(ended) < 3:
            frame = await socket.receive()
            order.append(frame["id"])
            if frame["type"] == "end":
                ended.add(frame["id"])
                assert set(frame) >= {"usage", "cost_usd", "latency", "finish_reason"}
    assert order != sorted(order), "they came one after the other"


@pytest.mark.parametrize("way", ["header", "subprotocol", "frame"])
async def test_a_socket_is_opened_with_a_key(stack: Stack, way: str) -> None:
    options: dict[str, object] = {"additional_headers": {}}
    if way == "header":
        options["additional_headers"] = {"Authorization": f"Bearer {stack.key}"}
    elif way == "subprotocol":
        options["subprotocols"] = [f"bearer.{stack.key}"]
    async with open_socket(stack, **options) as socket:
        if way == "frame":
            await socket.send(type="chat", id="c", prompt="Too early.")
            assert (await socket.receive())["code"] == "invalid_api_key"
            await socket.send(type="auth", key=stack.key)
        await socket.send(type="chat", id="c", prompt="Hello there.")
        assert (await socket.until_done("c"))[-1]["type"] == "end"


async def test_a_socket_with_a_bad_key_is_told_and_closed(stack: Stack) -> None:
    async with open_socket(stack, additional_headers={"Authorization": "Bearer gw_bad"}) as socket:
        assert (await socket.receive())["code"] == "invalid_api_key"
        await socket.connection.wait_closed()
        assert socket.connection.close_code == 4401


def test_health_asks_nobody_and_readiness_asks_everybody(stack: Stack) -> None:
    alive = httpx.get(f"{stack.url}/health")
    assert (alive.status_code, alive.json()["status"]) == (200, "ok")
    ready = httpx.get(f"{stack.url}/health/ready")
    assert ready.status_code == 200
    assert {name: state["status"] for name, state in ready.json()["dependencies"].items()} == {
        "prompts": "ok",
        "api_keys": "ok",
        "redis": "ok",
        "ledger": "ok",
    }


def test_the_documentation_is_served_from_here_and_describes_every_door(stack: Stack) -> None:
    page = httpx.get(f"{stack.url}/docs/")
    assert page.status_code == 200
    assert "https://cdn" not in page.text
    document = httpx.get(f"{stack.url}/schema/?format=json").json()
    assert {"/chat", "/summarize", "/prompts/{name}/chat", "/health", "/health/ready", "/chat/stream"} <= set(
        document["paths"]
    )
    assert {"TextBody", "ChatReply", "ErrorReply", "StartEvent", "EndEvent"} <= set(
        document["components"]["schemas"]
    )
