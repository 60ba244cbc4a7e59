"""How deep JSON is nested is told without reading it, and nobody gets an error of ours for it."""

import json
import time
from collections.abc import Callable

import pytest

from gateway_app import json_numbers
from gateway_app.nesting import DEEPEST, too_deep
from gateway_app.providers.objects import as_object
from gateway_app.v1 import reading
from gateway_app.v1.exceptions import BadParameter


def nested(levels: int) -> str:
    return "[" * levels + "]" * levels


def test_a_body_is_refused_at_whatever_depth_its_readers_give_up() -> None:
    schema = '{"type": "json_schema", "json_schema": {"name": "x", "schema": {"a": HERE}}}'
    body = '{"model": "m", "messages": [{"role": "user", "content": ""}], "response_format": ' + schema + "}"
    for depth in range(900, 1100):
        with pytest.raises(BadParameter):
            reading.read(body.replace("HERE", nested(depth)).encode())


@pytest.mark.parametrize(
    ("text", "deep"),
    {
        nested(DEEPEST): False,
        nested(DEEPEST + 1): True,
        '{"a":' * DEEPEST + "1" + "}" * DEEPEST: False,
        '{"a":[' * DEEPEST + "1" + "]}" * DEEPEST: True,
        "[" + "[]," * 1_000 + "{}]": False,
        json.dumps(["[" * 1_000, '"' + "{" * 1_000, "\\" + "[" * 1_000, '\\"' + "[" * 1_000, "é"]): False,
        json.dumps({"[" * 100: {'\\\\"': nested(100)}}): False,
    }.items(),
)
def test_brackets_count_where_they_are_no_text(text: str, deep: bool) -> None:
    assert (too_deep(text), too_deep(text.encode())) == (deep, deep)


@pytest.mark.parametrize("text", ["[" * 5_000, nested(5_000), "]" * 100 + nested(5_000), "[" * 5_000 + '\\"'])
def test_what_no_reader_can_read_stays_text(text: str) -> None:
    assert as_object(text, wrapped_as="result") == {"result": text}


def test_code_with_many_brackets_is_still_an_object() -> None:
    said = {"code": "[" * 1_000}
    assert as_object(json.dumps(said), wrapped_as="result") == said


def test_to_look_takes_less_than_to_read() -> None:
    """The event loop stands still for both, and reading ten megabytes takes half a second."""
    body = b"[" + b",".join([b'{"":[]}'] * 500_000) + b"]"
    assert _seconds(lambda: too_deep(body)) < _seconds(lambda: json_numbers.untyped(body))


def _seconds(act: Callable[[], object]) -> float:
    """Of this process, at its best."""
    taken = []
    for _ in range(3):
        began = time.process_time()
        act()
        taken.append(time.process_time() - began)
    return min(taken)
