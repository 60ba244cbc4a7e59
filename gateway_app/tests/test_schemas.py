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


def test_a_body_of_a_hundred_thousand_levels_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="deep"):
        parse(b'{"variables": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001, VariablesBody)


def test_a_right_body_is_taken_as_it_is() -> None:
    body = parse('{"prompt": "gr\u00fc\u00df dich", "temperature": 0, "max_tokens": 5}', TextBody)
    assert (body.prompt, body.temperature, body.max_tokens, body.model) == (
        "gr\u00fc\u00df dich",
        0.0,
        5,
        None,
    )
