"""Which price of a model holds at which moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway_app.pricing import Price


@dataclass(frozen=True, slots=True)
class DatedPrice:
    starts_at: datetime
    price: Price


class PriceBook:
    """All prices that there are and will be."""

    def __init__(self, prices: Mapping[str, Sequence[DatedPrice]]) -> None:
        """By model, in any order."""
        self._prices = {
            model: sorted(dated, key=lambda one: one.starts_at, reverse=True)
            for model, dated in prices.items()
        }

    def price(self, model: str, *, at: datetime) -> Price | None:
        """The newest one that has begun; None where none has."""
        for dated in self._prices.get(model, ()):
            if dated.starts_at <= at:
                return dated.price
        return None
