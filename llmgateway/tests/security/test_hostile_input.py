"""Hostile bodies, headers and keys at every address: an error in the usual shape, never a crash."""

import gzip
import json
import re
import secrets
from collections.abc import Iterator

import httpx
import pytest
import websockets
from django.urls import get_resolver

from gateway_app import routing
from gateway_app.tests.clients import open_browser
from llmgateway.stack import Stack
from llmgateway.tests.security import routes

JSON = {"Content-Type": "application/json"}
DEEP = 100_000
TWICE = b'{"prompt": "a", "prompt": "b"}'

BODIES = {
    "empty": b"",
    "no object": b"[]",
    "null": b"null",
    "a number": b"1",
    "unfinished": b'{"prompt": "x',
    "NUL in a value": b'{"prompt": "a\\u0000b", "text": "a\\u0000b", "why": "a\\u0000b"}',
    "NUL in a name": b'{"a\\u0000b": 1}',
    "a raw NUL": b'{"prompt": "a\x00b"}',
    "half a surrogate": b'{"prompt": "\\ud800", "why": "\\udfff"}',
    "the same name twice": TWICE,
    "NaN": b'{"prompt": "a", "temperature": NaN}',
    "infinity": b'{"prompt": "a", "temperature": 1e999}',
    "a huge number": b'{"prompt": "a", "max_tokens": ' + b"9" * 5_000 + b"}",
    "beyond 64 bits": b'{"prompt": "a", "max_tokens": 9223372036854775808, "expected_revision": 1e30}',
    "true for a number": b'{"prompt": "a", "temperature": true, "max_tokens": true}',
    "deep objects": b'{"a":' * DEEP,
    "deep lists": b"[" * DEEP + b"]" * DEEP,
    "deep variables": b'{"variables": {"text": ' + b"[" * DEEP + b"]" * DEEP + b"}}",
    "no UTF-8": b'{"prompt": "\xff\xfe"}',
    "UTF-16": '{"prompt": "a"}'.encode("utf-16"),
    "a mark before it": b'\xef\xbb\xbf{"prompt": 1}',
    "gzip": gzip.compress(b'{"prompt": "a"}'),
    "unknown fields": b'{"__proto__": {}, "constructor": {}, "__class__": "x"}',
    "wrong kinds": b'{"prompt": {"a": 1}, "variables": [], "traffic_split": "all", "name": []}',
}
KINDS = [
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/xml",
    "x",
]


@pytest.fixture(scope="module")
def web(own_stack: Stack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=own_stack.url, timeout=30) as client:
        yield client


def writing() -> list[tuple[str, str]]:
    return sorted((method, route) for method, route in routes.api() if method in ("POST", "PATCH"))


def assert_refused(response: httpx.Response, about: object) -> None:
    assert 400 <= response.status_code < 500, (about, response.status_code, response.text[:300])
    assert response.headers["Content-Type"] == "application/json", about
    assert set(response.json()["error"]) == {"message", "type", "code", "param"}, about


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_a_hostile_body_is_refused_everywhere(web: httpx.Client, mighty: dict[str, str], body: bytes) -> None:
    for method, route in writing():
        address = routes.filled(route, name="summarizer", version="v1")
        response = web.request(method, address, content=body, headers=mighty | JSON)
        if response.status_code < 300 and (not body or (body == TWICE and "/prompts" not in route)):
            continue  # some changes need no body; where nothing is changed, the last of two holds
        assert_refused(response, (method, route))


@pytest.mark.parametrize("kind", KINDS)
def test_another_kind_of_body_is_refused_everywhere(
    web: httpx.Client, mighty: dict[str, str], kind: str
) -> None:
    for method, route in writing():
        address = routes.filled(route, name="summarizer", version="v1")
        response = web.request(method, address, content=b"prompt=a", headers=mighty | {"Content-Type": kind})
        assert_refused(response, (method, route))


HEADERS = [
    {"X-Request-ID": "\x1b[31m\t\u2028".encode()},
    {"X-Session-ID": b"\xff" * 300},
    {"X-Session-ID": b"x" * 20_000},
    {"Cache-Control": b"max-age=" + b"9" * 4_000},
    {"Cache-Control": b"max-age=-1, \xff"},
    {"Accept": b"\xff/\xfe;q=x"},
    {"If-None-Match": b'W/"\xff'},
    {"Accept-Language": b"x" * 5_000},
    {"Content-Type": b"application/json; charset=bogus"},
    {"Content-Type": b"application/json; charset=utf-16"},
    {"Forwarded": b"for=x;host=evil"},
    {"Host": b"evil.example:99999"},
]


@pytest.mark.parametrize("headers", HEADERS, ids=str)
def test_hostile_headers_crash_nothing(
    web: httpx.Client, mighty: dict[str, str], headers: dict[str, bytes]
) -> None:
    for method, route in routes.api():
        body = {"content": b'{"prompt": 1}'} if method in ("POST", "PATCH") else {}
        address = routes.filled(route, name="nobody", version="v1")
        response = web.request(method, address, headers={**JSON, **mighty, **headers}, **body)
        assert response.status_code < 500, (method, route, response.text[:300])


def test_the_next_line_of_a_header_stays_in_its_header(web: httpx.Client, mighty: dict[str, str]) -> None:
    response = web.get("/prompts/%0d%0aSet-Cookie:%20a=b", headers=mighty)
    assert_refused(response, "CRLF in a path")
    assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize(
    "path",
    [
        "/prompts/../admin/",
        "//admin/",
        "/%2e%2e/admin",
        "/prompts/a%00b",
        "/prompts/%ff",
        "/prompts/" + "a" * 4_000,
    ],
)
def test_a_strange_path_is_nobodys(web: httpx.Client, mighty: dict[str, str], path: str) -> None:
    assert web.get(path, headers=mighty).status_code in (302, 400, 404)


def strange(route: str) -> str:
    """An address of that route for something that is not there: a NUL in each text, a number beyond all."""
    known = re.sub("<(?:slug:)?name>", "summarizer", route)
    return re.sub(r"<(\w+:)?\w+>", lambda found: "9" * 30 if found[1] == "int:" else "a%00b", known)


def test_what_no_text_can_name_is_not_there(web: httpx.Client, mighty: dict[str, str]) -> None:
    table = [*get_resolver().url_patterns, *routing.streams]
    kinds = {re.sub(r"<\w+:", "<", route): route for route, _ in routes.patterns(table)}
    for method, route in routes.api():
        if (address := strange(kinds[route])) not in (route, route.replace("<name>", "summarizer")):
            response = web.request(method, address, headers=mighty | JSON)
            assert_refused(response, (method, address))


def test_what_no_text_can_name_has_no_page(own_stack: Stack) -> None:
    with open_browser(own_stack) as browser:
        pages = {strange(route) for route, _ in routes.patterns(get_resolver().url_patterns)}
        for page in sorted(page for page in pages if page.startswith("/admin/") and "%00" in page):
            answer = browser.client.get(page)
            assert answer.status_code < 500, page


def bad_keys(key: str) -> dict[str, bytes]:
    """What is almost a key, and what is no key at all."""
    kind, identifier, secret = key.split("_", 2)
    flipped = secret[:-1] + ("A" if secret[-1] != "A" else "B")
    return {
        "another secret": f"{kind}_{identifier}_{flipped}".encode(),
        "a secret cut short": key[:-1].encode(),
        "only its first 20": key[:20].encode(),
        "a secret too long": f"{key}A".encode(),
        "another id": f"{kind}_{'a' * 12}_{secret}".encode(),
        "upper case": key.upper().encode(),
        "its id alone": identifier.encode(),
        "SQL": b"' OR pg_sleep(8)--",
        "SQL within": f"{kind}_{identifier}' OR '1'='1_{secret}".encode(),
        "a wildcard": f"{kind}_%_{secret}".encode(),
        "no ASCII": "gw_äöü_ключ".encode(),
        "no UTF-8": b"gw_\xff\xfe",
        "look-alikes": key.replace("g", "\u0261").encode(),
        "huge": b"x" * 50_000,
        "a tab": key.encode() + b"\tx",
        "a template": b"{{7*7}}",
    }


@pytest.mark.parametrize("address", ["/v1/models", "/prompts", "/usage"])
def test_whatever_is_no_key_is_refused_alike(own_stack: Stack, web: httpx.Client, address: str) -> None:
    said = set()
    for about, text in bad_keys(own_stack.key).items():
        response = web.get(address, headers={"Authorization": b"Bearer " + text})
        assert response.status_code == 401, about
        said.add(response.json()["error"]["message"])
    assert len(said) == 1, "one message for every kind of bad key"


async def test_any_bytes_on_a_socket_end_nothing_but_that_socket(
    own_stack: Stack, mighty: dict[str, str]
) -> None:
    """Random frames, text and binary; whoever asks decently afterwards, on the same socket, is answered."""
    chance = secrets.SystemRandom()
    seeds = [
        '{"type":"chat","id":"a","prompt":"x"}',
        '{"type":"cancel","id":"a"}',
        '{"type":"auth","key":"x"}',
    ]
    async with websockets.connect(f"{own_stack.ws_url}/ws/chat", additional_headers=mighty) as socket:
        for number in range(300):
            frame = bytearray(chance.choice(seeds).encode())
            for _ in range(chance.randint(1, 6)):
                frame[chance.randrange(len(frame))] = chance.randrange(256)
            await socket.send(bytes(frame) if number % 3 else frame.decode("utf-8", "replace"))
        await socket.send(json.dumps({"type": "chat", "id": "last", "prompt": "Still there?"}))
        while (said := json.loads(await socket.recv())) and (said["id"], said["type"]) != ("last", "end"):
            assert (said["id"], said["type"]) != ("last", "error"), said


@pytest.mark.parametrize(
    ("frame", "code"), [(b"\xc1\x80", 1002), (b"\x81\x82\x00\x00\x00\x00\xff\xfe", 1007)]
)
async def test_a_broken_frame_closes_its_socket_with_the_protocols_code(
    own_stack: Stack, mighty: dict[str, str], frame: bytes, code: int
) -> None:
    async with websockets.connect(f"{own_stack.ws_url}/ws/chat", additional_headers=mighty) as socket:
        socket.transport.write(frame)
        with pytest.raises(websockets.ConnectionClosed) as closed:
            while True:
                await socket.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == code


def test_nothing_of_this_was_unforeseen(own_stack: Stack, web: httpx.Client) -> None:
    """The last of this file: what the log says of all of the above."""
    assert web.get("/health").status_code == 200
    troubles = [line for line in own_stack.log_lines() if "internal_error" in line or "ASGI" in line]
    assert troubles == []
