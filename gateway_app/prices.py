"""Prices of models: the verbs that change them, and the way to read them."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from django.db import transaction
from django.utils import timezone

from gateway_app.catalogue import ModelCard
from gateway_app.models import ModelPrice
from gateway_app.price_book import DatedPrice, PriceBook
from gateway_app.pricing import AudioRates, Price, Rates

SEEDER = "models.yaml"
BEGINNING = datetime(2020, 1, 1, tzinfo=UTC)
"""From when a model's first seeded price holds: before any call to it."""


class PriceRefused(Exception):
    """A rule forbids the change; the message says which."""


@transaction.atomic
def add_price(*, model: str, price: Price, starts_at: datetime, author: str, note: str = "") -> ModelPrice:
    """A new price from `starts_at` on. Workers know it within a second.

    Raises `PriceRefused` as `check_price` does.
    """
    check_price(model=model, starts_at=starts_at)
    return ModelPrice.objects.create(
        model=model, starts_at=starts_at, author=author, note=note, **_columns(price)
    )


def check_price(*, model: str, starts_at: datetime) -> None:
    """Raises `PriceRefused` for a second price at one moment, and for one before a price that has begun: what
    calls cost since then stands in the ledger.
    """
    others = ModelPrice.objects.filter(model=model)
    if others.filter(starts_at=starts_at).exists():
        raise PriceRefused(f"{model} has a price from {starts_at:%Y-%m-%d %H:%M} on already")
    newest = others.filter(starts_at__lte=timezone.now()).order_by("starts_at").last()
    if newest and starts_at < newest.starts_at:
        raise PriceRefused(f"a price of {model} holds since {newest.starts_at:%Y-%m-%d %H:%M} already")


@transaction.atomic
def withdraw_price(row: ModelPrice) -> None:
    """Raises `PriceRefused` for a price that has begun: calls refer to it."""
    if row.starts_at <= timezone.now():
        raise PriceRefused("this price has begun to hold; add a new one instead")
    row.delete()


@transaction.atomic
def seed_prices(cards: Iterable[ModelCard]) -> int:
    """Brings the catalogue's prices in, over no price that a person has set; returns how many were new.

    A model without any price gets the catalogue's for all times. One whose catalogue price is no longer the
    last that was seeded gets the new one from now on, unless a person has set one since.
    """
    newest = {row.model: row for row in ModelPrice.objects.order_by("model", "id")}
    added = 0
    for card in cards:
        last = newest.get(card.name)
        if card.price is None or (last and _stands(last, card.price)):
            continue
        starts_at = timezone.now() if last else BEGINNING
        add_price(model=card.name, price=card.price, starts_at=starts_at, author=SEEDER, note="shipped")
        added += 1
    return added


def _stands(last: ModelPrice, price: Price) -> bool:
    return last.author != SEEDER or replace(price_of(last), id=None) == price


def load_prices() -> PriceBook:
    prices: dict[str, list[DatedPrice]] = defaultdict(list)
    for row in ModelPrice.objects.all():
        prices[row.model].append(DatedPrice(row.starts_at, price_of(row)))
    return PriceBook(prices)


def price_of(row: ModelPrice) -> Price:
    long_context = None
    if row.long_input is not None and row.long_output is not None:
        long_context = Rates(input=row.long_input, cached=row.long_cached, output=row.long_output)
    return Price(
        standard=Rates(input=row.input, cached=row.cached, output=row.output),
        long_context=long_context,
        audio=AudioRates(input=row.audio_input, cached=row.audio_cached, output=row.audio_output),
        id=row.pk,
    )


def _columns(price: Price) -> dict[str, object]:
    standard, above, audio = price.standard, price.long_context, price.audio
    return {
        "input": standard.input,
        "cached": standard.cached,
        "output": standard.output,
        "long_input": above and above.input,
        "long_cached": above and above.cached,
        "long_output": above and above.output,
        "audio_input": audio.input,
        "audio_cached": audio.cached,
        "audio_output": audio.output,
    }
