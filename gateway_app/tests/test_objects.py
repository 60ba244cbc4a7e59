import time

import pytest

from gateway_app.providers.objects import as_object


@pytest.mark.parametrize(
    ("text", "is_read_as"),
    [
        ('{"a": [1]}', {"a": [1]}),
        ("[1]", {"result": [1]}),
        ("no JSON", {"result": "no JSON"}),
        ('{"a": 1e999}', {"result": '{"a": 1e999}'}),
        ('{"a":' * 64 + "1" + "}" * 64, None),
        ('{"a":' * 65 + "1" + "}" * 65, {"result": '{"a":' * 65 + "1" + "}" * 65}),
        ('{"a": "' + "[" * 100 + '"}', {"a": "[" * 100}),
    ],
)
def test_an_object_is_passed_on_and_all_else_is_wrapped(text: str, is_read_as: dict[str, object]) -> None:
    value = as_object(text, wrapped_as="result")
    assert "result" not in value if is_read_as is None else value == is_read_as


def test_numbers_that_are_slow_to_read_hold_nobody_up() -> None:
    began = time.process_time()
    as_object('{"a": [' + "1e308," * 400_000 + "1]}", wrapped_as="result")
    assert time.process_time() - began < 2
