"""Figures as people read them."""

from decimal import Decimal

NONE = "—"


def dollars(amount: Decimal | float | None) -> str:
    """Two digits after the point, more for small amounts: $1,234.50, $0.042, $0.0000031."""
    if amount is None:
        return NONE
    value = Decimal(amount)
    if not value or abs(value) >= 1:
        return f"${value:,.2f}"
    # Two digits that say something.
    places = max(2, 1 - value.adjusted())
    return f"${value:.{min(places, 10)}f}"


def spend(known: Decimal, unpriced: int) -> str:
    """Of calls of which some have an unknown cost: a lower bound, or nothing that one could say."""
    if not unpriced:
        return dollars(known)
    return f"≥ {dollars(known)}" if known else "unknown"


def milliseconds(duration: float | None) -> str:
    """0.42 ms, 42 ms, 4.2 s."""
    if duration is None:
        return NONE
    size = abs(duration)
    if size >= 10_000:
        return f"{duration / 1000:,.1f} s"
    if size >= 1000:
        return f"{duration / 1000:.2f} s"
    return f"{duration:.0f} ms" if size >= 10 or not size else f"{duration:.2f} ms"


def percent(share: float | None) -> str:
    return NONE if share is None else f"{share * 100:.1f} %"


def thousands(number: float | None) -> str:
    return NONE if number is None else f"{number:,.0f}"


def short(number: float) -> str:
    """950, 1.2k, 3.4M."""
    for bound, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(number) >= bound:
            return f"{number / bound:.1f}{letter}".replace(".0", "")
    return f"{number:.0f}"


def plain(number: Decimal) -> str:
    """Every digit, and no zero at the end."""
    return f"{number.normalize():f}" if number else "0"
