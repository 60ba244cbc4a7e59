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
    id: int | None = None
    """Of the ledger's price row; None for a price that is only in the catalogue's file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a call's bill."""

    what: str
    tokens: int
    rate: Decimal
    """USD per million tokens."""

    @property
    def cost(self) -> Decimal:
        """USD, exact."""
        return self.tokens * self.rate / MILLION


def bill(usage: Usage, price: Price) -> tuple[Line, ...]:
    """What is charged for, each token in one line."""
    rates = price.standard
    if price.long_context and usage.input_tokens > LONG_CONTEXT:
        rates = price.long_context
    cached_rate = rates.input if rates.cached is None else rates.cached
    fresh = usage.input_tokens - usage.cached_tokens
    return (
        Line(what="input", tokens=fresh, rate=rates.input),
        Line(what="cached input", tokens=usage.cached_tokens, rate=cached_rate),
        Line(what="output", tokens=usage.output_tokens, rate=rates.output),
        Line(what="thinking", tokens=usage.thinking_tokens, rate=rates.output),
    )


def cost(usage: Usage, price: Price | None) -> Decimal | None:
    """USD, exact; None where the price is not known, which is never the same as free."""
    return None if price is None else sum((line.cost for line in bill(usage, price)), start=Decimal(0))
