"""Prices have a beginning, are never changed, and reach every worker."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, transaction
from django.test import Client
from django.utils import timezone

from gateway_app import catalogue
from gateway_app.catalogue import ModelCard
from gateway_app.models import AccessRevision, ModelPrice
from gateway_app.price_book import DatedPrice, PriceBook
from gateway_app.prices import (
    BEGINNING,
    PriceRefused,
    add_price,
    load_prices,
    price_of,
    seed_prices,
    withdraw_price,
)
from gateway_app.pricing import AudioRates, Price, Rates
from gateway_app.tests.clients import open_browser
from llmgateway.env import ROOT
from llmgateway.stack import Stack

CHEAP = Price(standard=Rates(input=Decimal("0.1"), output=Decimal("0.4"), cached=Decimal("0.01")))
DEAR = Price(
    standard=Rates(input=Decimal(1), output=Decimal(4)),
    long_context=Rates(input=Decimal(2), output=Decimal(8), cached=Decimal("0.2")),
    audio=AudioRates(input=Decimal(3), output=Decimal(12)),
)
START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
BY_ADA: dict[str, Any] = {"author": "ada"}


def test_the_newest_price_that_has_begun_holds() -> None:
    book = PriceBook({"m": [DatedPrice(START + DAY, DEAR), DatedPrice(START, CHEAP)]})
    assert book.price("m", at=START - DAY) is None
    assert book.price("m", at=START) == CHEAP
    assert book.price("m", at=START + DAY) == DEAR
    assert book.price("other", at=START) is None


def test_the_catalogue_gives_the_books_price_above_its_own() -> None:
    cards = {"m": ModelCard(name="m", provider="p", price=CHEAP)}
    book = PriceBook({"m": [DatedPrice(START, DEAR)], "newer": [DatedPrice(START, DEAR)]})
    models = catalogue.Catalogue(cards, prefixes={"new": "p"}, prices=lambda: book)
    assert (models.card("m").price, models.card("newer").price) == (DEAR, DEAR)
    assert models.card("new-unpriced").price is None


def test_the_catalogues_own_price_holds_while_the_book_is_not_loaded() -> None:
    models = catalogue.Catalogue({"m": ModelCard(name="m", provider="p", price=CHEAP)}, prefixes={})
    assert models.card("m").price == CHEAP


@pytest.mark.django_db
class TestVerbs:
    def cards(self, price: Price) -> list[ModelCard]:
        return [ModelCard(name="m", provider="p", price=price), ModelCard(name="free", provider="p")]

    def test_seeding_brings_in_every_price_once(self) -> None:
        shipped = catalogue.load(ROOT / "fixtures" / "models.yaml").cards
        priced = {name: card.price for name, card in shipped.items() if card.price}
        assert seed_prices(shipped.values()) == len(priced)
        assert seed_prices(shipped.values()) == 0
        book = load_prices()
        for name, price in priced.items():
            found = book.price(name, at=START)
            assert found is not None
            assert found.id
            assert replace(found, id=None) == price

    def test_a_changed_catalogue_price_holds_from_now_on(self) -> None:
        seed_prices(self.cards(CHEAP))
        assert seed_prices(self.cards(DEAR)) == 1
        book = load_prices()
        before, after = book.price("m", at=START), book.price("m", at=timezone.now())
        assert before
        assert replace(before, id=None) == CHEAP
        assert after
        assert replace(after, id=None) == DEAR

    def test_seeding_never_goes_over_what_a_person_has_set(self) -> None:
        seed_prices(self.cards(CHEAP))
        add_price(model="m", price=DEAR, starts_at=timezone.now() + DAY, **BY_ADA)
        assert seed_prices(self.cards(replace(CHEAP, long_context=CHEAP.standard))) == 0

    def test_two_prices_cannot_begin_at_one_moment(self) -> None:
        later = timezone.now() + DAY
        add_price(model="m", price=CHEAP, starts_at=later, **BY_ADA)
        with pytest.raises(PriceRefused, match="already"):
            add_price(model="m", price=DEAR, starts_at=later, **BY_ADA)

    def test_the_past_of_a_priced_model_stays_as_it_was_charged(self) -> None:
        seed_prices(self.cards(CHEAP))
        with pytest.raises(PriceRefused, match="holds since"):
            add_price(model="m", price=DEAR, starts_at=START - 9000 * DAY, **BY_ADA)

    def test_the_first_price_of_a_model_may_begin_in_the_past(self) -> None:
        row = add_price(model="new", price=DEAR, starts_at=START, note="by mail", **BY_ADA)
        assert (row.author, row.note, replace(price_of(row), id=None)) == ("ada", "by mail", DEAR)

    def test_a_price_that_has_not_begun_can_be_withdrawn_and_no_other(self) -> None:
        withdraw_price(add_price(model="m", price=CHEAP, starts_at=timezone.now() + DAY, **BY_ADA))
        assert not ModelPrice.objects.exists()
        begun = add_price(model="m", price=CHEAP, starts_at=START, **BY_ADA)
        with pytest.raises(PriceRefused, match="has begun"):
            withdraw_price(begun)

    def test_workers_are_told_of_every_change(self) -> None:
        before = AccessRevision.objects.get().number
        seed_prices(self.cards(CHEAP))
        assert AccessRevision.objects.get().number > before

    @pytest.mark.parametrize("wrong", [{"input": -1}, {"long_input": 1}])
    def test_the_database_refuses_half_a_price(self, wrong: dict[str, int]) -> None:
        with pytest.raises(DatabaseError), transaction.atomic():
            ModelPrice.objects.create(**{"model": "m", "starts_at": START, "input": 1, "output": 1, **wrong})


@pytest.mark.django_db
class TestAdmin:
    @pytest.fixture
    def admin(self, client: Client) -> Client:
        client.force_login(User.objects.create_superuser("grace"))
        return client

    ADD = "/admin/gateway_app/modelprice/add/"

    def form(self, **changes: str) -> dict[str, str]:
        usual = {
            "model": "m",
            "starts_at_0": "2099-01-01",
            "starts_at_1": "00:00",
            "input": "1",
            "output": "4",
        }
        return usual | changes

    def test_a_price_is_added_in_its_authors_name(self, admin: Client) -> None:
        assert admin.post(self.ADD, self.form()).status_code == 302
        row = ModelPrice.objects.get()
        assert (row.author, row.input, row.output, row.cached) == ("grace", 1, 4, None)

    @pytest.mark.parametrize(
        ("changes", "says"),
        [
            ({"input": "-1"}, "greater than or equal to 0"),
            ({"long_input": "2"}, "both, or neither"),
            ({"output": ""}, "required"),
        ],
    )
    def test_a_wrong_price_is_shown_again_with_the_reason(
        self, changes: dict[str, str], says: str, admin: Client
    ) -> None:
        answer = admin.post(self.ADD, self.form(**changes))
        assert answer.status_code == 200
        assert says in answer.content.decode()
        assert not ModelPrice.objects.exists()

    def test_a_price_that_a_rule_forbids_is_shown_again_with_the_reason(self, admin: Client) -> None:
        admin.post(self.ADD, self.form())
        answer = admin.post(self.ADD, self.form())
        assert "m has a price from 2099-01-01 00:00 on already" in answer.content.decode()

    def test_a_price_from_the_beginning_holds_always(self, admin: Client) -> None:
        ModelPrice.objects.create(model="m", starts_at=BEGINNING, input=1, output=2, author="ada")
        assert ">always<" in "".join(admin.get("/admin/gateway_app/modelprice/").content.decode().split())

    def test_a_price_that_has_begun_can_be_looked_at_only(self, admin: Client) -> None:
        row = add_price(model="m", price=CHEAP, starts_at=START, **BY_ADA)
        page = f"/admin/gateway_app/modelprice/{row.pk}/"
        assert admin.get(f"{page}change/").status_code == 200
        assert admin.post(f"{page}change/", self.form()).status_code == 403
        assert admin.post(f"{page}delete/", {"post": "yes"}).status_code == 403
        assert ModelPrice.objects.get().input == Decimal("0.1")


def test_a_new_price_holds_for_the_next_call(stack: Stack) -> None:
    headers = {"Authorization": f"Bearer {stack.key}"}
    body = {"prompt": "What does it cost?", "model": "gemini-2.0-flash-lite"}
    with open_browser(stack) as browser, httpx.Client(base_url=stack.url, headers=headers) as api:
        first = api.post("/chat", json=body).json()
        browser.submit(
            "/admin/gateway_app/modelprice/add/",
            **{"model": "gemini-2.0-flash-lite", "starts_at_0": "2026-01-01", "starts_at_1": "00:00"},
            **{"input": "1", "output": "1"},
        )
        time.sleep(1)
        second = api.post("/chat", json=body | {"prompt": "And now?"}).json()
    usage = second["usage"]
    tokens = usage["input_tokens"] + usage["output_tokens"] + usage["thinking_tokens"]
    assert first["cost_usd"] is None
    assert second["cost_usd"] == pytest.approx(tokens / 1e6)
