"""What a call costs, to the last digit."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from gateway_app import catalogue
from gateway_app.exceptions import ModelNotFound
from gateway_app.pricing import Price, Rates, cost
from gateway_app.types import Usage
from llmgateway.env import ROOT

FLASH = Price(standard=Rates(input=Decimal("0.30"), cached=Decimal("0.03"), output=Decimal("2.50")))
PRO = Price(
    standard=Rates(input=Decimal("1.25"), cached=Decimal("0.125"), output=Decimal(10)),
    long_context=Rates(input=Decimal("2.50"), cached=Decimal("0.25"), output=Decimal(15)),
)


def test_cached_input_is_cheaper_and_counted_once() -> None:
    usage = Usage(input_tokens=1000, cached_tokens=400, output_tokens=100)
    assert (
        cost(usage, FLASH) == (600 * Decimal("0.30") + 400 * Decimal("0.03") + 100 * Decimal("2.50")) / 10**6
    )


def test_thinking_is_billed_as_output() -> None:
    thought = cost(Usage(output_tokens=10, thinking_tokens=90), FLASH)
    assert thought == cost(Usage(output_tokens=100), FLASH)


@pytest.mark.parametrize(("tokens", "rate"), [(200_000, "1.25"), (200_001, "2.50")])
def test_long_context_has_its_own_tier_for_the_whole_call(tokens: int, rate: str) -> None:
    assert cost(Usage(input_tokens=tokens), PRO) == tokens * Decimal(rate) / 10**6


def test_without_a_discount_cached_input_costs_what_input_costs() -> None:
    price = Price(standard=Rates(input=Decimal("0.10"), output=Decimal("0.40")))
    assert cost(Usage(input_tokens=10, cached_tokens=10), price) == cost(Usage(input_tokens=10), price)


def test_an_unknown_price_is_no_cost_at_all_and_never_zero() -> None:
    assert cost(Usage(input_tokens=10), None) is None


def test_the_shipped_catalogue_says_what_a_model_costs() -> None:
    shipped = catalogue.load(ROOT / "fixtures" / "models.yaml")
    assert cost(
        Usage(input_tokens=10**6, output_tokens=10**6), shipped.card("gemini-2.5-flash").price
    ) == Decimal("2.80")


def test_every_fallback_of_the_shipped_catalogue_is_a_model_of_it() -> None:
    cards = catalogue.load(ROOT / "fixtures" / "models.yaml").cards
    assert {name for card in cards.values() for name in card.fallbacks} <= set(cards)


def test_a_model_newer_than_the_catalogue_is_served_at_an_unknown_price() -> None:
    card = catalogue.load(ROOT / "fixtures" / "models.yaml").card("gemini-99-ultra")
    assert (card.provider, card.price) == ("gemini", None)


@pytest.mark.parametrize("name", ["no-such-model", "gemini-x/../y", "gemini-x?key=", ""])
def test_a_model_that_nobody_serves_is_refused(name: str) -> None:
    shipped = catalogue.load(ROOT / "fixtures" / "models.yaml")
    with pytest.raises(ModelNotFound):
        shipped.card(name)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"models": {"m": {}}},
        {"models": {"m": {"provider": "p", "price": {"input": 1}}}},
        {"models": {"m": {"provider": "p", "price": {"input": "x", "output": 1}}}},
    ],
)
def test_a_wrong_catalogue_is_refused(document: object, tmp_path: Path) -> None:
    path = tmp_path / "models.yaml"
    path.write_text(json.dumps(document))
    with pytest.raises(catalogue.CatalogueInvalid):
        catalogue.load(path)
