"""Where calls need no key, websites that are open beside the gateway cannot make them."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import websockets

from gateway_app.exceptions import Unauthenticated
from gateway_app.own_places import require_own_place
from llmgateway.stack import Stack

ADDRESSES = [
    ("POST", "/chat"),
    ("POST", "/chat/stream"),
    ("POST", "/summarize"),
    ("POST", "/v1/chat/completions"),
    ("GET", "/v1/models"),
    ("GET", "/usage"),
    ("GET", "/prompts"),
    ("GET", "/metrics"),
]
BODY = {"prompt": "Hello.", "model": "gemini-2.5-flash"}


@pytest.fixture
def api(keyless: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=keyless, timeout=20) as client:
        yield client


def ask(api: httpx.Client, method: str, path: str, **headers: str) -> httpx.Response:
    body: dict[str, Any] = BODY
    if path.startswith("/v1"):
        body = {"model": BODY["model"], "messages": [{"role": "user", "content": BODY["prompt"]}]}
    return api.request(method, path, headers=headers, **({"json": body} if method == "POST" else {}))


@pytest.mark.parametrize(("method", "path"), ADDRESSES)
def test_who_comes_without_a_key_under_another_name_is_told_what_to_do(
    api: httpx.Client, method: str, path: str
) -> None:
    answer = ask(api, method, path, Host="rebind.evil.example")
    assert answer.status_code == 401
    assert "add it to ALLOWED_HOSTS, or send the header Authorization" in answer.json()["error"]["message"]
    assert ask(api, method, path).status_code == 200


@pytest.mark.parametrize(("method", "path"), ADDRESSES)
@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_a_page_from_elsewhere_without_a_key_is_told_what_to_do(
    api: httpx.Client, method: str, path: str, origin: str
) -> None:
    answer = ask(api, method, path, Origin=origin)
    assert answer.status_code == 401
    assert "add it to CORS_ALLOWED_ORIGINS, or send" in answer.json()["error"]["message"]


def test_a_form_from_elsewhere_that_browsers_send_without_asking_changes_nothing(api: httpx.Client) -> None:
    sent = {"Origin": "https://evil.example", "Content-Type": "text/plain"}
    for _, path in ADDRESSES[:4]:
        assert api.post(path, content=json.dumps(BODY), headers=sent).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "localhost"},
        {"Host": "gateway.localhost:8000"},
        {"Host": "[::1]:8000"},
        {"Origin": "http://127.0.0.1:8000"},
        {"Origin": "http://localhost:3000"},
        {"Origin": "https://app.example.com"},
    ],
    ids=str,
)
def test_ones_own_names_and_pages_need_no_key(api: httpx.Client, headers: dict[str, str]) -> None:
    assert ask(api, "POST", "/chat", **headers).status_code == 200


@pytest.mark.parametrize(("method", "path"), [asked for asked in ADDRESSES if asked[1] != "/metrics"])
def test_a_key_is_good_under_any_name_and_for_any_page(
    stack: Stack, api: httpx.Client, method: str, path: str
) -> None:
    given = {"Authorization": f"Bearer {stack.key}", "Host": "gw.internal", "Origin": "https://evil.example"}
    assert ask(api, method, path, **given).status_code == 200


CHAT = {"type": "chat", "id": "1", "prompt": "Hello."}


async def first_word(url: str, *frames: dict[str, str], host: str = "", origin: str = "") -> dict[str, Any]:
    address = urlsplit(url)
    async with websockets.connect(
        f"ws://{host or address.hostname}:{address.port}/ws/chat",
        host=address.hostname,
        port=address.port,
        origin=origin or None,
    ) as connection:
        for frame in frames:
            await connection.send(json.dumps(frame))
        said: dict[str, Any] = json.loads(await connection.recv())
        return said


@pytest.mark.parametrize(
    "stranger",
    [{"origin": "https://evil.example"}, {"origin": "null"}, {"host": "rebind.evil.example"}],
    ids=str,
)
async def test_a_socket_from_elsewhere_is_not_served_without_a_key(
    stack: Stack, keyless: str, stranger: dict[str, str]
) -> None:
    said = await first_word(keyless, CHAT, **stranger)
    assert (said["type"], said["code"]) == ("error", "invalid_api_key")
    assert "add it to" in said["message"]
    key = {"type": "auth", "key": stack.key}
    assert (await first_word(keyless, key, CHAT, **stranger))["type"] == "start"


@pytest.mark.parametrize("origin", ["", "http://localhost:3000", "https://app.example.com"])
async def test_a_socket_of_ones_own_needs_no_key(keyless: str, origin: str) -> None:
    assert (await first_word(keyless, CHAT, origin=origin))["type"] == "start"


def scope(host: str, origin: str = "") -> dict[str, Any]:
    given = {b"host": host.encode("latin-1"), b"origin": origin.encode("latin-1")}
    return {"headers": [(name, value) for name, value in given.items() if value]}


def test_all_names_are_ours_where_that_was_said_but_not_all_pages() -> None:
    require_own_place(scope("gw.example.com"), hosts=["*"], origins=[])
    require_own_place(scope("gw.example.com", "https://gw.example.com"), hosts=["*"], origins=[])
    with pytest.raises(Unauthenticated):
        require_own_place(scope("gw.example.com", "https://evil.example"), hosts=["*"], origins=[])
    require_own_place(scope("gw.example.com", "https://evil.example"), hosts=["*"], origins=["*"])


def test_who_names_no_host_is_no_browser() -> None:
    require_own_place(scope(""), hosts=["gw.example.com"], origins=[])


@pytest.mark.parametrize(
    "host", ["gw.example.com.evil.example", "xgw.example.com", "gw.example.com@evil", "\xff", " "]
)
def test_what_looks_like_a_name_of_ours_is_none(host: str) -> None:
    with pytest.raises(Unauthenticated):
        require_own_place(scope(host), hosts=["gw.example.com"], origins=[])
