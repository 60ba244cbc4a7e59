"""What a key may use: its limits as values, and what a call would use of them at the most."""

from collections.abc import Iterable
from datetime import date
from decimal import ROUND_CEILING, Decimal

import msgspec

from gateway_app import estimates
from gateway_app.catalogue import ModelCard
from gateway_app.exceptions import PriceUnknown
from gateway_app.pricing import cost_of_text
from gateway_app.types import CompletionRequest

NANO = Decimal(1_000_000_000)
"""Budgets are counted in billionths of a dollar: every price per token is a whole number of them."""
LONGEST_REPLY = 65_536
"""Tokens, where neither the caller nor the catalogue says."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """None means unlimited. Budgets in nano-dollars."""

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrent_requests: int | None = None
    daily_budget: int | None = None
    monthly_budget: int | None = None

    @property
    def any(self) -> bool:
        return self != UNLIMITED

    @property
    def budgeted(self) -> bool:
        return self.daily_budget is not None or self.monthly_budget is not None


UNLIMITED = Limits()


def spent_names(key: str, day: date) -> tuple[str, str]:
    """Under which Redis counts what the key has spent on that day, and in that month."""
    base = f"gw:limit:{{{key}}}:usd:"  # the hash tag keeps a key's names together in a cluster
    return f"{base}{day:%Y-%m-%d}", f"{base}{day:%Y-%m}"


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """What a call may use at the most."""

    tokens: int
    nano_dollars: int


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """What a call holds until it is settled."""

    key: str
    call: str
    local: bool = False


class RateLimit(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a limit is left, for the `x-ratelimit-…` headers. Resets in seconds."""

    requests: int | None = None
    requests_left: int = 0
    requests_reset: float = 0.0
    tokens: int | None = None
    tokens_left: int = 0
    tokens_reset: float = 0.0


def claim(request: CompletionRequest, cards: Iterable[ModelCard], *, budgeted: bool) -> Claim:
    """Tokens as estimated; dollars as the dearest of `cards` could cost, so that no budget is overshot.

    Raises `PriceUnknown` where a budget must hold and a price is not known.
    """
    candidates = list(cards)
    reply = max(
        request.parameters.max_tokens or card.max_output_tokens or LONGEST_REPLY for card in candidates
    )
    size = estimates.size(request)
    tokens = size.about + reply
    if not budgeted:
        return Claim(tokens=tokens, nano_dollars=0)
    worst = max(_worst_cost(card, input_tokens=size.at_most, output_tokens=reply) for card in candidates)
    return Claim(tokens=tokens, nano_dollars=nano_dollars(worst))


def nano_dollars(usd: Decimal) -> int:
    """Rounded up."""
    return int((usd * NANO).to_integral_value(rounding=ROUND_CEILING))


def _worst_cost(card: ModelCard, *, input_tokens: int, output_tokens: int) -> Decimal:
    if card.price is None:
        raise PriceUnknown(f"the price of {card.name} is not known, and this key has a budget", param="model")
    return cost_of_text(card.price, input_tokens=input_tokens, output_tokens=output_tokens)
