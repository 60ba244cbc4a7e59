"""Who may do what, walked whole over the API: every address, method and scope."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from gateway_app.access import SCOPES
from llmgateway.stack import Stack
from llmgateway.tests.security import rights, routes

TABLE = {(method, route): need for method, route, need in map(str.split, rights.API.strip().splitlines())}
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "TRACE")


@pytest.fixture(scope="module")
def web(own_stack: Stack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=own_stack.url, timeout=20) as client:
        yield client


def ask(web: httpx.Client, method: str, route: str, key: str = "") -> httpx.Response:
    """With a body that is right for nobody, so that what is allowed changes nothing."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    body: dict[str, Any] = {"json": {"nobody_knows_this": 1}} if method in ("POST", "PATCH", "PUT") else {}
    return web.request(method, routes.filled(route, name="summarizer", version="v1"), headers=headers, **body)


def test_the_table_names_every_address() -> None:
    assert sorted(routes.api()) == sorted(TABLE)


@pytest.mark.parametrize("scope", SCOPES)
def test_a_key_may_do_what_its_scope_says_and_no_more(
    web: httpx.Client, keys: dict[str, str], scope: str
) -> None:
    for (method, route), need in TABLE.items():
        status = ask(web, method, route, keys[scope]).status_code
        if need == rights.OPEN:
            assert status == 200, (method, route)
        elif need == scope:
            assert 200 <= status < 500, (method, route, status)
            assert status not in (401, 403), (method, route, status)
        else:
            assert status == 403, (method, route, status)


def test_without_a_key_nothing_is_to_be_had(web: httpx.Client, keys: dict[str, str]) -> None:
    bad = keys["chat"][:-4] + "AAAA"
    for (method, route), need in TABLE.items():
        for key in ("", bad):
            status = ask(web, method, route, key).status_code
            wanted = {rights.OPEN: 200, rights.OPERATOR: 403}.get(need, 401)
            assert status == wanted, (method, route, status)


def test_no_address_takes_a_method_that_is_not_in_the_table(web: httpx.Client, keys: dict[str, str]) -> None:
    for route in {route for _, route in TABLE}:
        for method in METHODS:
            if (method, route) not in TABLE:
                response = ask(web, method, route, keys["prompts:write"])
                assert response.status_code in (403, 405), (method, route, response.status_code)
                assert (
                    route == "/metrics" or set(response.json()) == {"error", "request_id"} or "/v1/" in route
                )


def test_a_method_cannot_be_disguised(web: httpx.Client, keys: dict[str, str]) -> None:
    headers = {"Authorization": f"Bearer {keys['prompts:read']}", "X-HTTP-Method-Override": "DELETE"}
    response = web.post("/prompts/summarizer/versions/v1/render?_method=DELETE", json={}, headers=headers)
    assert response.status_code in (400, 422)
    assert web.get("/prompts/summarizer/versions/v1", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "field", ["api_base", "base_url", "headers", "api_key", "project", "scopes", "custom_host"]
)
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/chat", {"prompt": "Hello"}),
        ("/chat/stream", {"prompt": "Hello"}),
        ("/summarize", {"prompt": "Hello"}),
        ("/prompts/summarizer/chat", {"variables": {"text": "Hello"}}),
    ],
)
def test_no_caller_says_where_a_call_goes_or_as_whom(
    web: httpx.Client, keys: dict[str, str], path: str, body: dict[str, Any], field: str
) -> None:
    headers = {"Authorization": f"Bearer {keys['chat']}"}
    assert web.post(path, json=body | {field: "http://127.0.0.1:1"}, headers=headers).status_code == 400
