"""A call in words: when, how much, why, and what to do."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from gateway_app import exceptions as ours
from gateway_app.explanation import Explanation, explain, tokens_per_second
from gateway_app.pricing import Price, Rates
from gateway_app.records import Attempt, Step
from gateway_app.tests.ledger_calls import USAGE, call
from gateway_app.troubles import TROUBLES, UNKNOWN, trouble
from gateway_app.types import Usage
from prompts_app import exceptions as prompts

PRICE = Price(
    standard=Rates(input=Decimal("0.3"), cached=Decimal("0.03"), output=Decimal("2.5")),
    long_context=Rates(input=Decimal("0.6"), output=Decimal(5)),
)


NOT_OF_CALLS = {"gateway_error", "call_not_found", "change_refused", "edit_conflict"}


def told(**known: Any) -> Explanation:
    return explain(call(**known), PRICE)


def codes(kind: type[Exception]) -> Iterator[str]:
    yield kind.code  # type: ignore[attr-defined]
    for child in kind.__subclasses__():
        yield from codes(child)


def test_the_timeline_tells_every_step_and_every_try() -> None:
    found = told(
        parsing=0.002,
        steps=(Step(name="resolve", at=0.001), Step(name="cache", at=0.003)),
        attempts=(
            Attempt(
                provider="gemini", model="m", seconds=0.1, error="provider_unavailable", status=503, at=0.004
            ),
            Attempt(provider="gemini", model="m", seconds=0.2, at=0.3),
        ),
    )
    names = [moment.name for moment in found.moments]
    assert names == ["parse", "resolve", "cache", "try 1", "try 2", "first token", "end"]
    assert [round(moment.start, 3) for moment in found.moments] == [-2, 0, 1, 4, 300, 200, 500]
    assert [moment.failed for moment in found.moments] == [False, False, False, True, False, False, False]
    assert "503" in found.moments[3].says


@pytest.mark.parametrize(
    ("reason", "says"),
    [
        ("split", "the traffic split gave it to this unit"),
        ("active", "it was the active version"),
        ("pinned by caller", "the caller asked for this version"),
        ("pinned by environment", "the environment pins"),
    ],
)
def test_the_version_has_its_reason(reason: str, says: str) -> None:
    found = told(
        prompt_name="p", prompt_version="v2", phase=3, arm_reason=reason, steps=(Step(name="resolve", at=0),)
    )
    assert found.moments[0].says.startswith("p v2: ")
    assert says in found.moments[0].says


def test_the_arithmetic_adds_up_to_what_was_charged() -> None:
    found = told(cost_usd=Decimal("0.0001246"))
    assert [(line.what, line.tokens) for line in found.bill] == [
        ("input", 80),
        ("cached input", 20),
        ("output", 30),
        ("thinking", 10),
    ]
    assert found.total == Decimal("0.0001246")


@pytest.mark.parametrize(
    ("known", "says"),
    [
        ({"cost_usd": None}, "Not known: there is no price of gemini-2.5-flash"),
        (
            {"cache": "HIT", "saved_usd": Decimal("0.5")},
            "Nothing: the reply was kept; the first time it cost $0.5",
        ),
        ({"usage": Usage()}, "Nothing is known to have been used"),
        ({"usage": Usage(input_tokens=200_001, total_tokens=200_001)}, "its dearer tier holds"),
    ],
)
def test_a_cost_that_is_no_plain_sum_is_explained(known: dict[str, Any], says: str) -> None:
    assert says in told(**known).cost_says


def test_speed_is_of_the_writing_alone() -> None:
    assert tokens_per_second(call(latency=0.5, time_to_first_token=0.2)) == pytest.approx(
        USAGE.output_tokens / 0.3
    )
    assert tokens_per_second(call(cache="HIT")) is None
    assert tokens_per_second(call(time_to_first_token=None)) is None


@pytest.mark.parametrize(
    "code", sorted({*codes(ours.GatewayError), *codes(prompts.PromptError)} - NOT_OF_CALLS)
)
def test_every_error_that_a_call_can_end_with_has_a_cause_and_advice(code: str) -> None:
    assert TROUBLES[code].cause
    assert TROUBLES[code].advice


def test_a_call_that_went_well_has_no_trouble_and_another_always_has() -> None:
    assert trouble("ok", None) is None
    assert trouble("error", "some_new_code") is UNKNOWN
    cancelled = trouble("cancelled", None)
    assert cancelled
    assert "client left" in cancelled.cause
