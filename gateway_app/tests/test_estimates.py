"""What a reply took that broke off before its vendor had counted."""

import pytest

from gateway_app.estimates import broken_off
from gateway_app.tests.conftest import ask
from gateway_app.types import Usage


@pytest.mark.parametrize(
    ("counted", "expected"),
    [
        (None, Usage(input_tokens=100, output_tokens=250, total_tokens=350)),
        (
            Usage(input_tokens=90, output_tokens=1, total_tokens=91),
            Usage(input_tokens=90, output_tokens=250, total_tokens=340),
        ),
        (
            Usage(input_tokens=90, output_tokens=220, thinking_tokens=5, total_tokens=315),
            Usage(input_tokens=90, output_tokens=220, thinking_tokens=5, total_tokens=315),
        ),
    ],
    ids=["counts at the end", "has only begun to count", "counts as it speaks"],
)
def test_the_vendors_count_goes_first_where_there_is_one(counted: Usage | None, expected: Usage) -> None:
    assert broken_off(ask("x" * 400), counted=counted, written=1000) == expected


def test_a_call_that_was_answered_with_nothing_has_been_asked_all_the_same() -> None:
    assert broken_off(ask("x" * 400), counted=None, written=0) == Usage(input_tokens=100, total_tokens=100)
