"""What a call may cost at the most is claimed before it is made."""

from decimal import Decimal

import pytest

from gateway_app.catalogue import ModelCard
from gateway_app.exceptions import (
    PriceUnknown,
)
from gateway_app.limits import claim, nano_dollars
from gateway_app.pricing import Price, Rates
from gateway_app.tests.conftest import ask
from gateway_app.types import CompletionRequest, Image, Message, Parameters, ToolCall

CHEAP = ModelCard(
    name="cheap", provider="p", price=Price(standard=Rates(input=Decimal("0.10"), output=Decimal("0.40")))
)
DEAR = ModelCard(name="dear", provider="p", price=Price(standard=Rates(input=Decimal(1), output=Decimal(10))))


def request(text: str, *, max_tokens: int | None = 100) -> CompletionRequest:
    message = Message(role="user", content=text)
    return CompletionRequest(model="m", messages=(message,), parameters=Parameters(max_tokens=max_tokens))


def test_a_claim_covers_the_dearest_model_that_may_answer() -> None:
    wanted = claim(request("x" * 1000), [CHEAP, DEAR], budgeted=True)
    least = nano_dollars((1000 * Decimal(1) + 100 * Decimal(10)) / 10**6)
    assert least <= wanted.nano_dollars < least * 2


def test_every_byte_may_be_a_token() -> None:
    plain, wide = (
        claim(request(text), [CHEAP], budgeted=True).nano_dollars for text in ("aaaa", "\U0001f30a")
    )
    assert plain == wide


@pytest.mark.parametrize(
    "message",
    [
        Message(
            role="assistant",
            tool_calls=(ToolCall(id="c", name="f", arguments="{}", signature="aGVsbG8g" * 1000),),
        ),
        Message(role="assistant", tool_calls=(ToolCall(id="c" * 8000, name="f", arguments="{}"),)),
        Message(role="tool", tool_call_id="c" * 8000),
        Message(role="user", name="é" * 4000),
    ],
    ids=["signature", "call's id", "answered id", "name"],
)
def test_all_that_a_caller_writes_is_claimed(message: Message) -> None:
    asked = CompletionRequest(model="m", messages=(message,), parameters=Parameters(max_tokens=100))
    wanted = claim(asked, [DEAR], budgeted=True)
    assert wanted.tokens >= 2_000 + 100
    assert wanted.nano_dollars >= nano_dollars(Decimal(8_000) / 1_000_000)


def test_what_vendors_put_around_messages_and_make_of_images_is_covered() -> None:
    terse = tuple(Message(role="user", content="a") for _ in range(100))
    pictured = (Message(role="user", content="a", images=(Image(media_type="image/png", data=""),)),)
    short, long, seen = (
        claim(CompletionRequest(model="m", messages=messages), [CHEAP], budgeted=True).nano_dollars
        for messages in (terse[:1], terse, pictured)
    )
    assert long - short >= nano_dollars(99 * 10 * Decimal("0.10") / 10**6)
    assert seen - short >= nano_dollars(48_000 * Decimal("0.10") / 10**6)


def test_a_budget_needs_a_price() -> None:
    with pytest.raises(PriceUnknown, match="secret-model"):
        claim(ask("hi"), [ModelCard(name="secret-model", provider="p")], budgeted=True)
    assert claim(ask("hi"), [ModelCard(name="secret-model", provider="p")], budgeted=False).nano_dollars == 0
