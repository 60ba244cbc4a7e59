"""Which provider serves which model, and at what price: `fixtures/models.yaml` and the price book."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from gateway_app.exceptions import ModelNotFound
from gateway_app.price_book import PriceBook
from gateway_app.pricing import AudioRates, Price, Rates

PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]*")
"""A name from outside becomes part of a vendor's URL: only the catalogue itself may name one with a slash."""


class CatalogueInvalid(ValueError):
    """The file does not say what a catalogue must say; the message names the model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    name: str
    provider: str
    price: Price | None = None
    max_output_tokens: int | None = None
    fallbacks: tuple[str, ...] = ()

    @property
    def circuit(self) -> str:
        """What fails and recovers as one."""
        return f"{self.provider}/{self.name}"


class Catalogue:
    """Looks up models by name."""

    def __init__(
        self,
        cards: Mapping[str, ModelCard],
        *,
        prefixes: Mapping[str, str],
        embeddings: Mapping[str, ModelCard] | None = None,
        prices: Callable[[], PriceBook | None] = lambda: None,
    ) -> None:
        """`prices` gives the prices that hold above the file's; None while they have not been loaded."""
        self.cards = dict(cards)
        self.embeddings = dict(embeddings or {})
        """Models that answer with vectors; nobody can chat with them."""
        self._prices = prices
        self._prefixes = dict(prefixes)
        """Name prefix -> provider, for models that are newer than this file: served, price unknown."""
        self._latest: dict[str, ModelCard] = {}
        """The priced cards as they were given out last: only what has a price, so that it stays small."""

    def card(self, model: str) -> ModelCard:
        """With the price of this moment. Raises `ModelNotFound`."""
        return self._priced(self._listed(model))

    def embedding_card(self, model: str) -> ModelCard:
        """As `card`, of a model that embeds."""
        if model not in self.embeddings:
            raise ModelNotFound(f"no provider serves the embedding model {model[:100]!r}", param="model")
        return self._priced(self.embeddings[model])

    def _priced(self, card: ModelCard) -> ModelCard:
        book = self._prices()
        price = book and book.price(card.name, at=datetime.now(UTC))
        if not price:
            return card
        priced = self._latest.get(card.name)
        if priced is None or priced.price is not price:
            priced = self._latest[card.name] = replace(card, price=price)
        return priced

    def _listed(self, model: str) -> ModelCard:
        if known := self.cards.get(model):
            return known
        for prefix, provider in self._prefixes.items():
            if model.startswith(prefix) and PLAIN.fullmatch(model):
                return ModelCard(name=model, provider=provider)
        raise ModelNotFound(f"no provider serves the model {model[:100]!r}", param="model")


def load(path: Path, *, prices: Callable[[], PriceBook | None] = lambda: None) -> Catalogue:
    """The file's models. Raises `CatalogueInvalid`."""
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    try:
        cards, embeddings = (
            {name: _card(name, entry) for name, entry in section.items()}
            for section in (document["models"], document.get("embeddings", {}))
        )
        return Catalogue(cards, prefixes=document.get("prefixes", {}), embeddings=embeddings, prices=prices)
    except (KeyError, TypeError, AttributeError) as exc:
        raise CatalogueInvalid(f"{path}: {exc!r}") from exc


def _card(name: str, entry: Mapping[str, Any]) -> ModelCard:
    try:
        return ModelCard(
            name=name,
            provider=entry["provider"],
            price=_price(entry["price"]) if "price" in entry else None,
            max_output_tokens=entry.get("max_output_tokens"),
            fallbacks=tuple(entry.get("fallbacks", ())),
        )
    except (KeyError, TypeError, ArithmeticError) as exc:
        raise CatalogueInvalid(f"model {name}: {exc!r}") from exc


def _price(entry: Mapping[str, Any]) -> Price:
    return Price(
        standard=_rates(entry),
        long_context=_rates(entry["over_200k"]) if "over_200k" in entry else None,
        audio=AudioRates(**{kind: _rate(rate) for kind, rate in entry.get("audio", {}).items()}),
    )


def _rates(entry: Mapping[str, Any]) -> Rates:
    cached = _rate(entry["cached"]) if "cached" in entry else None
    return Rates(input=_rate(entry["input"]), output=_rate(entry["output"]), cached=cached)


def _rate(value: object) -> Decimal:
    # Through str: a YAML float such as 0.1 must not become 0.1000000000000000055.
    return Decimal(str(value))
