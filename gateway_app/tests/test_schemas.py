"""What a client may send: strictly that, and a wrong field is named."""

import pytest

from gateway_app.exceptions import InvalidRequest
from gateway_app.schemas import TextBody, VariablesBody, parse

WRONG = [
    (b"", None),
    (b"[]", None),
    (b"null", None),
    (b'"text"', None),
    (b"{", None),
    (b"{}", "prompt"),
    (b'{"prompt": ""}', "prompt"),
    (b'{"prompt": 1}', "prompt"),
    (b'{"prompt": null}', "prompt"),
    (b'{"prompt": "x", "temperature": true}', "temperature"),
    (b'{"prompt": "x", "temperature": "1"}', "temperature"),
    (b'{"prompt": "x", "temperature": -0.1}', "temperature"),
    (b'{"prompt": "x", "temperature": 2.1}', "temperature"),
    (b'{"prompt": "x", "temperature": NaN}', None),
    (b'{"prompt": "x", "temperature": 1e999}', None),
    (b'{"prompt": "x", "max_tokens": 0}', "max_tokens"),
    (b'{"prompt": "x", "max_tokens": 1.5}', "max_tokens"),
    (b'{"prompt": "x", "max_tokens": "5"}', "max_tokens"),
    (b'{"prompt": "x", "max_tokens": 9223372036854775808}', "max_tokens"),
    (b'{"prompt": "x", "max_tokens": ' + b"9" * 5000 + b"}", None),
    (b'{"prompt": "x", "model": "../etc"}', "model"),
    (b'{"prompt": "x", "modle": "m"}', "modle"),
    (b'{"prompt": "x", "user": ""}', "user"),
    (b'{"prompt": "\xff"}', None),
    (b'{"prompt": "\\ud800"}', None),
]


@pytest.mark.parametrize(("body", "field"), WRONG)
def test_a_wrong_body_is_refused_and_its_field_named(body: bytes, field: str | None) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse(body, TextBody)
    if field is not None:
        assert caught.value.param == field


@pytest.mark.parametrize("levels", [64, 500, 100_000])
def test_a_body_of_too_many_levels_is_refused(levels: int) -> None:
    for opened, closed in ((b'{"a":', b"}"), (b"[", b"]")):
        body = b'{"variables": {"a":' + opened * levels + b"1" + closed * levels + b"}}"
        for given in (body, body.decode()):
            with pytest.raises(InvalidRequest, match="deep"):
                parse(given, VariablesBody)


def test_a_body_of_many_levels_and_many_objects_is_taken() -> None:
    deep = b'{"variables": {"a":' + b"[" * 62 + b"1" + b"]" * 62 + b"}}"
    wide = b'{"variables": {"a": [' + b"{}," * 1000 + b"{}]}}"
    for body in (deep, wide):
        assert parse(body, VariablesBody).variables["a"]


def test_a_right_body_is_taken_as_it_is() -> None:
    body = parse('{"prompt": "gr\u00fc\u00df dich", "temperature": 0, "max_tokens": 5}', TextBody)
    assert (body.prompt, body.temperature, body.max_tokens, body.model) == (
        "gr\u00fc\u00df dich",
        0.0,
        5,
        None,
    )
