"""What a call costs."""

from dataclasses import dataclass
from decimal import Decimal

from gateway_app.types import Usage

MILLION = Decimal(1_000_000)
LONG_CONTEXT = 200_000
"""Input tokens above which a vendor's long-context tier holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """USD per million tokens."""

    input: Decimal
    output: Decimal
    """Thinking included."""
    cached: Decimal | None = None
    """None: the vendor gives no discount, cached tokens cost what input costs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    standard: Rates
    long_context: Rates | None = None
    """Holds for the whole call once its input exceeds `LONG_CONTEXT` tokens."""


def cost(usage: Usage, price: Price | None) -> Decimal | None:
    """USD, exact; None where the price is not known, which is never the same as free."""
    if price is None:
        return None
    rates = price.standard
    if price.long_context and usage.input_tokens > LONG_CONTEXT:
        rates = price.long_context
    cached_rate = rates.input if rates.cached is None else rates.cached
    fresh = usage.input_tokens - usage.cached_tokens
    total = fresh * rates.input + usage.cached_tokens * cached_rate
    return (total + (usage.output_tokens + usage.thinking_tokens) * rates.output) / MILLION
