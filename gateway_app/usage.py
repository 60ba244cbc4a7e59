"""What many calls cost and how they went, by whatever one asks: read from the rollups."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec
from django.db import connection, transaction
from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import TruncMonth

from gateway_app.histogram import NINES, percentiles
from gateway_app.models import Rollup
from gateway_app.rollup_sql import HISTOGRAMS, SUMS

IN_MEMORY = "SET LOCAL work_mem = '64MB'"
"""With less, Postgres sorts a year of days on disk before it adds them up, which takes twice as long."""
PLAIN = tuple(name for name in SUMS if name not in HISTOGRAMS)
TYPES = {"cost_usd": "numeric", "saved_usd": "numeric", "latency_ms": "float8"}
"""Of those that are no whole numbers."""
SHARES = (0.5, 0.95)
MONTH = "month"
"""A column that is made for grouping; days are told apart by their start, as hours are."""
Stretch = tuple[str, datetime, datetime]
"""A period, and from when to when its rollups are taken."""


class Percentiles(NamedTuple):
    """Milliseconds that half of the calls, and 95 of a hundred, did not exceed; None where there are none."""

    p50: float | None
    p95: float | None


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """Alike calls, summed up. Money in USD, durations in milliseconds."""

    group: tuple[Any, ...]
    calls: int
    errors: int
    cancelled: int
    hits: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    thinking_tokens: int
    input_audio_tokens: int
    output_audio_tokens: int
    input_image_tokens: int
    output_image_tokens: int
    cost_usd: Decimal
    """Of the calls whose price is known."""
    unpriced: int
    """Calls that were answered and whose cost is not known."""
    saved_usd: Decimal
    latency_ms: float
    """The sum."""
    latencies: Percentiles
    first_tokens: Percentiles

    @property
    def hit_rate(self) -> float:
        return self.hits / self.calls if self.calls else 0.0

    @property
    def error_rate(self) -> float:
        return self.errors / self.calls if self.calls else 0.0

    @property
    def mean_latency(self) -> float | None:
        return self.latency_ms / self.calls if self.calls else None


class Summaries(NamedTuple):
    groups: list[Summary]
    """In the order of what they are grouped by."""
    total: Summary
    """Of all of them together."""


def chosen(*, period: str, since: datetime, until: datetime, **equal: Any) -> QuerySet[Rollup]:
    """The rollups of `period` that start from `since` on and before `until`; None in `equal` means all.

    Of months, only the whole ones: the time before and after them is covered by days.
    """
    covering = Q()
    for name, first, last in _stretches(period, since, until):
        covering |= Q(period=name, start__gte=first, start__lt=last)
    wanted = {name: value for name, value in equal.items() if value is not None}
    rows = Rollup.objects.filter(covering, **wanted)
    return rows.annotate(**{MONTH: TruncMonth("start")}).order_by()


def _stretches(period: str, since: datetime, until: datetime) -> list[Stretch]:
    months, days = Rollup.Period.MONTH, Rollup.Period.DAY
    if period != months:
        return [(period, since, until)]
    first, last = months_on(since, 0 if since.day == 1 else 1), months_on(until, 0)
    if first >= last:
        return [(days, since, until)]
    return [(days, since, first), (months, first, last), (days, last, until)]


def months_on(moment: datetime, count: int) -> datetime:
    """The first of the month that is `count` months after the one of that moment."""
    months = moment.year * 12 + moment.month - 1 + count
    return datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC)


def summarize(rows: QuerySet[Rollup], *group: str, most: int | None = None) -> Summaries:
    """One summary for each value of the columns `group` (none without columns), and one of them all.

    No more than `most` groups, whichever they are.
    """
    columns = group or ("period",)
    with transaction.atomic(), connection.cursor() as cursor, connection.wrap_database_errors:
        cursor.execute(IN_MEMORY)
        # Row by row: one becomes a summary here while Postgres adds up the next.
        found = cursor.stream(*_statement(rows, columns, most))
        *groups, total = [_summary(values[: len(group)], values[len(columns) :]) for values in found]
    total = msgspec.structs.replace(total, group=())
    return Summaries(groups=sorted(groups, key=_order) if group else [], total=total)


def _statement(rows: QuerySet[Rollup], group: Sequence[str], most: int | None) -> tuple[str, tuple[Any, ...]]:
    """In one statement the total is that of the groups, whatever is written meanwhile.

    It is the last row: Postgres runs no part of a UNION ALL beside the others where one scans a CTE.
    """
    sums = rows.values_list(*group).annotate(*(Sum(name) for name in SUMS))
    found, given = sums[:most].query.sql_with_params()
    groups = [f"group_{number}" for number, _ in enumerate(group)]
    named = ", ".join((*groups, *SUMS))
    each = ", ".join((*groups, *_fields("{}")))
    total = ", ".join((*("NULL" for _ in groups), *_fields("coalesce(sum({}), 0)")))
    sql = f"WITH found ({named}) AS ({found}) SELECT {each} FROM found UNION ALL SELECT {total} FROM found"  # noqa: S608 - names of ours
    return sql, given


def _fields(sum_: str) -> list[str]:
    """The sums, then each histogram's digits and how many durations it counts."""
    sums = [f"{sum_.format(name)}::{TYPES.get(name, 'bigint')}" for name in PLAIN]
    digits = [f"{sum_.format(name)}::text" for name in HISTOGRAMS]
    return [*sums, *digits, *(f"mod({sum_.format(name)}, {NINES})::bigint" for name in HISTOGRAMS)]


def _summary(group: tuple[Any, ...], values: tuple[Any, ...]) -> Summary:
    *sums, latency, first_token, latencies, first_tokens = values
    return Summary(
        group=group,
        **dict(zip(PLAIN, sums, strict=True)),
        latencies=Percentiles(*percentiles(latency, latencies, *SHARES)),
        first_tokens=Percentiles(*percentiles(first_token, first_tokens, *SHARES)),
    )


def _order(summary: Summary) -> list[tuple[bool, Any]]:
    return [(value is None, value) for value in summary.group]
