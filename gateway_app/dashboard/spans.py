"""The ways to look back: by hour, by day, by month."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway_app import usage
from gateway_app.models import Rollup


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One way to look: so many pieces of time up to now."""

    name: str
    label: str
    period: str
    column: str
    """Of the rollups, that tells the pieces apart."""
    pieces: int
    back: Callable[[datetime, int], datetime]
    """The start of the piece so many before the one of that moment."""
    word: str
    """strftime of a piece."""
    since: str
    """The ledger's filter that shows these calls."""


def _hours_back(now: datetime, count: int) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=count)


def _days_back(now: datetime, count: int) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=count)


def _months_back(now: datetime, count: int) -> datetime:
    return usage.months_on(now, -count)


HOURS, DAYS, MONTHS = Rollup.Period.HOUR, Rollup.Period.DAY, Rollup.Period.MONTH
SPANS = {
    span.name: span
    for span in (
        Span(
            name="hour",
            label="24 hours",
            period=HOURS,
            column="start",
            pieces=24,
            back=_hours_back,
            word="%H:%M",
            since="day",
        ),
        Span(
            name="day",
            label="30 days",
            period=DAYS,
            column="start",
            pieces=30,
            back=_days_back,
            word="%-d %b",
            since="month",
        ),
        Span(
            name="month",
            label="12 months",
            period=MONTHS,
            column=usage.MONTH,
            pieces=12,
            back=_months_back,
            word="%b %y",
            since="",
        ),
    )
}
