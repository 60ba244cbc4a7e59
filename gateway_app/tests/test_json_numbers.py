"""How long a body is read for is chosen by its length, not by the numbers in it."""

import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from gateway_app.exceptions import InvalidRequest
from gateway_app.response_cache import MsgspecSerializer
from gateway_app.schemas import Frame, TextBody, VariablesBody, parse
from gateway_app.v1.exceptions import BadParameter
from gateway_app.v1.reading import read

NUMBERS = ["1e308", "1e-320"]
COUNT = 100_000


def many(number: str) -> str:
    return "[" + ",".join([number] * COUNT) + "]"


def rest(number: str) -> Any:
    return parse(f'{{"variables": {{"a": {many(number)}}}}}'.encode(), VariablesBody)


def said_again(number: str) -> Any:
    """The last one counts."""
    again = f'"temperature": {number},' * COUNT
    return parse(f'{{{again} "temperature": 1, "prompt": "p"}}'.encode(), TextBody)


def frame(number: str) -> Any:
    text = f'{{"type": "chat", "id": "1", "prompt_name": "p", "variables": {{"a": {many(number)}}}}}'
    return parse(text, Frame)  # type: ignore[arg-type]


def deep(number: str) -> Any:
    """Read a second time, for its depth."""
    text = f'{{"variables": {{"a": {many(number)}, "b": [{"[]," * 100} 1]}}}}'
    return parse(text, VariablesBody)


def prediction(number: str) -> Any:
    return _v1(f'"prediction": {many(number)}')


def logit_bias(number: str) -> Any:
    return _v1('"logit_bias": {' + ",".join(f'"{n}": {number}' for n in range(COUNT)) + "}")


def _v1(field: str) -> Any:
    with pytest.raises(BadParameter, match="not supported"):
        read(f'{{"model": "m", {field}}}'.encode())


def kept_in_redis(number: str) -> Any:
    return MsgspecSerializer({}).loads(many(number).encode())


def seconds(asked: Callable[[str], Any], number: str) -> float:
    began = time.process_time()
    asked(number)
    return time.process_time() - began


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("asked", [rest, said_again, frame, deep, prediction, logit_bias, kept_in_redis])
def test_numbers_that_are_slow_to_read_hold_nobody_up(asked: Callable[[str], Any], number: str) -> None:
    assert seconds(asked, number) < 3 * seconds(asked, "1.5") + 0.2


@pytest.mark.parametrize("padding", ["", '"p": [' + '{"q": 1},' * 2000 + "{}],"], ids=["short", "long"])
@pytest.mark.parametrize("number", ["1", "1.5", "-0.0", "1e5", "1e308", "1e-320", "1" * 30, "1e-999"])
def test_a_number_is_what_it_was(number: str, padding: str) -> None:
    body = f'{{"variables": {{{padding} "a": {number}}}, "temperature": 1}}'
    for given in (body, body.encode()):
        got, usual = parse(given, VariablesBody), msgspec.json.decode(given, type=VariablesBody)
        assert got == usual
        assert [type(value) for value in (got.variables["a"], got.temperature)] == [
            type(value) for value in (usual.variables["a"], usual.temperature)
        ]


@pytest.mark.parametrize("padding", ["", '"p": [' + '{"q": 1},' * 2000 + "{}],"], ids=["short", "long"])
@pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN", "1" * 5000])
def test_a_number_too_great_is_refused_as_it_was(number: str, padding: str) -> None:
    with pytest.raises(InvalidRequest):
        parse(f'{{"variables": {{{padding} "a": {number}}}}}', VariablesBody)


def test_a_wrong_field_of_a_long_body_is_named() -> None:
    body = '{"variables": {"p": [' + '{"q": 1},' * 2000 + '{}]}, "temperature": 3}'
    with pytest.raises(InvalidRequest) as caught:
        parse(body, VariablesBody)
    assert caught.value.param == "temperature"
