"""No body, however broken, is answered with anything but a clear 4xx."""

import json
from typing import Any

import httpx
import pytest

from gateway_app.tests.v1.conftest import ADDRESS, MODEL, WEATHER, body, user

HELLO = f'"model": "{MODEL}", "messages": [{{"role": "user", "content": "Hello"}}]'


def with_field(field: str) -> bytes:
    """A good body but for one more field, given as JSON text."""
    return f"{{{HELLO}, {field}}}".encode()


NOT_JSON: dict[str, bytes] = {
    "nothing": b"",
    "a word": b"hello",
    "cut": b'{"model": "gem',
    "two values": f"{{{HELLO}}} {{}}".encode(),
    "a comment": with_field("/* */ "),
    "single quotes": b"{'model': 'm'}",
    "NaN": with_field('"temperature": NaN'),
    "Infinity": with_field('"variables": {"a": -Infinity}'),
    "invalid UTF-8": b'{"model": "\xff\xfe"}',
    "UTF-16": f"{{{HELLO}}}".encode("utf-16"),
    "a lone surrogate": with_field(r'"user": "\ud800"'),
    "reversed surrogates": with_field(r'"user": "\ude00\ud83d"'),
    "a byte order mark": b"\xef\xbb\xbf" + f"{{{HELLO}}}".encode(),
    "NUL after the end": f"{{{HELLO}}}\0".encode(),
    "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xab\xae\x05\x00",
    "bottomless": f'{{{HELLO}, "variables": {{"a": '.encode() + b"[" * 100_000,
    "arrays without end": with_field('"variables": {"a": ' + "[" * 100_000 + "]" * 100_000 + "}"),
    "arrays too deep": with_field('"variables": {"a": ' + "[" * 200 + "]" * 200 + "}"),
    "objects too deep": with_field('"variables": ' + '{"a": ' * 200 + "1" + "}" * 200),
    "a name twice": with_field(f'"model": "{MODEL}"'),
    "a name twice below": with_field(r'"metadata": {"a": "1", "\u0061": "2"}'),
}

NOT_OBJECTS = [b"[]", b"null", b"1", b'"text"', b"true", b"[[]]"]

WRONG_FIELDS: list[tuple[str, Any]] = [
    ("model", None),
    ("model", ""),
    ("model", 7),
    ("messages", []),
    ("messages", None),
    ("messages", "Hello"),
    ("messages", {}),
    ("messages", [None]),
    ("messages", [user("Hello")] * 2049),
    ("temperature", True),
    ("temperature", "0.5"),
    ("temperature", -0.1),
    ("temperature", 2.1),
    ("temperature", 1e300),
    ("top_p", 1.01),
    ("max_tokens", 0),
    ("max_tokens", -1),
    ("max_tokens", 2**31),
    ("max_tokens", 2**63),
    ("max_tokens", 10**40),
    ("max_tokens", 1.5),
    ("max_tokens", "5"),
    ("max_completion_tokens", True),
    ("seed", 2**70),
    ("stop", ["a", "b", "c", "d", "e"]),
    ("stop", [1]),
    ("stop", {}),
    ("stream", "yes"),
    ("stream_options", {"include_usage": True}),
    ("user", "x" * 257),
    ("metadata", {"a": 1}),
    ("metadata", {"session_id": "s" * 257}),
    ("reasoning_effort", "enormous"),
    ("response_format", "json"),
    ("response_format", {"type": "xml"}),
    ("response_format", {"type": "json_schema"}),
    ("response_format", {"type": "json_schema", "json_schema": {"name": "a b", "schema": {}}}),
    ("tools", [{"type": "function"}]),
    ("tools", [{"type": "custom", "custom": {"name": "a"}}]),
    ("tools", [{"type": "function", "function": {"name": "a b"}}]),
    ("tools", [{"type": "function", "function": {"name": "auto"}}]),
    ("tools", [WEATHER, WEATHER]),
    ("tools", [WEATHER] * 129),
    ("tool_choice", "perhaps"),
    ("tool_choice", {"type": "function"}),
    ("n", 2),
    ("n", True),
    ("logprobs", True),
    ("top_logprobs", 3),
    ("logit_bias", {"50256": -100}),
    ("presence_penalty", 0.5),
    ("frequency_penalty", -0.5),
    ("modalities", ["text", "audio"]),
    ("audio", {"voice": "alloy", "format": "wav"}),
    ("prediction", {"type": "content", "content": "a"}),
    ("web_search_options", {}),
    ("functions", [{"name": "a"}]),
    ("function_call", {"name": "a"}),
    ("variables", {"a": 1}),
    ("variables", []),
    ("version", "v1"),
    ("version", "v 1"),
    ("no_such_field", 1),
    ("Model", MODEL),
    ("__class__", "x"),
]

WRONG_MESSAGES: list[Any] = [
    {},
    {"role": "user"},
    {"role": "user", "content": None},
    {"role": "user", "content": 5},
    {"role": "user", "content": [{"type": "text"}]},
    {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}]},
    {"role": "user", "content": [{"type": "file", "file": {"file_id": "f"}}]},
    {"role": "user", "content": "Hello", "surprise": 1},
    *({"role": role, "content": "Hello", "name": "x" * 65} for role in ("user", "system", "assistant")),
    {"role": "narrator", "content": "Hello"},
    {"role": "function", "name": "a", "content": "b"},
    {"role": ["user"], "content": "Hello"},
    {"role": "tool", "content": "noon", "tool_call_id": "call_never"},
    {"role": "assistant", "content": None, "tool_calls": [{"id": "a", "type": "function"}]},
    {"role": "assistant", "function_call": {"name": "a", "arguments": "{}"}},
    {"role": "assistant", "audio": {"id": "a"}},
]

WRONG_IMAGES = [
    "https://example.com/cat.png",
    "http://169.254.169.254/latest/meta-data/",
    "file:///etc/passwd",
    "data:,",
    "data:image/png;base64,",
    "data:image/png;base64,###",
    "data:image/png,abcd",
    "data:text/html;base64,PGI+",
    "data:image/png;base64," + "A" * 5,
    "data:image/;base64,aGk=",
    "data:image/p\r\nX: y\0;base64,aGk=",
    f"data:image/{'x' * 65};base64,aGk=",
    "",
]


def refusal(wire: httpx.Client, asked: bytes | dict[str, Any]) -> dict[str, Any]:
    """The error of a body that must be refused, in OpenAI's shape."""
    data = asked if isinstance(asked, bytes) else json.dumps(asked).encode()
    reply = wire.post(ADDRESS, content=data, headers={"Content-Type": "application/json"})
    assert reply.status_code in (400, 404), reply.text
    error: dict[str, Any] = reply.json()["error"]
    assert set(error) == {"message", "type", "code", "param"}
    assert error["type"] == "invalid_request_error"
    assert error["message"]
    return error


@pytest.mark.parametrize("data", NOT_JSON.values(), ids=NOT_JSON)
def test_what_is_not_json_is_refused(wire: httpx.Client, data: bytes) -> None:
    assert refusal(wire, data)["code"] == "invalid_json"


@pytest.mark.parametrize("data", NOT_OBJECTS, ids=bytes.decode)
def test_what_is_no_object_is_refused(wire: httpx.Client, data: bytes) -> None:
    assert refusal(wire, data)["code"] == "invalid_type"


@pytest.mark.parametrize(("name", "value"), WRONG_FIELDS)
def test_a_wrong_field_is_named(wire: httpx.Client, name: str, value: Any) -> None:
    error = refusal(wire, body("Hello", **{name: value}))
    assert str(error["param"]).startswith(name)


@pytest.mark.parametrize("message", WRONG_MESSAGES, ids=json.dumps)
def test_a_wrong_message_is_found(wire: httpx.Client, message: Any) -> None:
    assert refusal(wire, body("", messages=[user("Hello"), message]))["param"].startswith("messages[1]")


@pytest.mark.parametrize("url", WRONG_IMAGES)
def test_an_image_that_is_none_or_on_a_host_that_nobody_allowed_is_refused(
    wire: httpx.Client, url: str
) -> None:
    message = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}
    error = refusal(wire, body("", messages=[message]))
    assert error["param"] == "messages[0].content[0].image_url.url"


def test_a_bad_thought_signature_is_refused(wire: httpx.Client) -> None:
    call = {
        "id": "call_1",
        "type": "function",
        "function": {"name": "f", "arguments": "{}"},
        "extra_content": {"google": {"thought_signature": "not base64!"}},
    }
    messages = [user("Hello"), {"role": "assistant", "tool_calls": [call]}]
    error = refusal(wire, body("", messages=messages))
    assert error["param"] == "messages[1].tool_calls[0].extra_content.google.thought_signature"


def test_an_unknown_field_is_told_in_openais_words(wire: httpx.Client) -> None:
    error = refusal(wire, with_field('"top_k": 5'))
    assert error["message"] == "Unrecognized request argument supplied: top_k"


def test_strange_but_good_text_is_answered(wire: httpx.Client) -> None:
    for text in ("\0", "😀" * 50, "\u202e\u2028", "{{text}}", "[" * 5000, "9" * 5000):
        assert wire.post(ADDRESS, json=body("Hello " + text)).status_code == 200
