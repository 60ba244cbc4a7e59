"""What many calls cost and how they went, by whatever one asks: read from the rollups."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import QuerySet, Sum
from django.db.models.functions import TruncDay, TruncMonth

from gateway_app.histogram import middle
from gateway_app.models import Rollup
from gateway_app.rollups import SUMS

MONTH, DAY = "month", "day_"
"""Columns that are made for grouping."""
NOTHING = (None, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
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
    p50: float | None
    """Latency that half of the calls did not exceed; None where nothing was measured."""
    p95: float | None
    first_token_p50: float | None
    first_token_p95: float | None

    @property
    def hit_rate(self) -> float:
        return self.hits / self.calls if self.calls else 0.0

    @property
    def error_rate(self) -> float:
        return self.errors / self.calls if self.calls else 0.0

    @property
    def mean_latency(self) -> float | None:
        return self.latency_ms / self.calls if self.calls else None


def chosen(*, period: str, since: datetime, until: datetime, **equal: Any) -> QuerySet[Rollup]:
    """The rollups of `period` that start from `since` on and before `until`; None in `equal` means all."""
    wanted = {name: value for name, value in equal.items() if value is not None}
    rows = Rollup.objects.filter(period=period, start__gte=since, start__lt=until, **wanted)
    return rows.annotate(**{MONTH: TruncMonth("start"), DAY: TruncDay("start")}).order_by()


def summarize(rows: QuerySet[Rollup], *group: str) -> list[Summary]:
    """One summary for each value of the columns `group`, in their order; of no column, one for all."""
    latency, first_token = _percentiles(rows, group, "latency"), _percentiles(rows, group, "first_token")
    sums = rows.values_list(*group).annotate(*(Sum(name) for name in SUMS)) if group else [_total(rows)]
    found = []
    for values in sums:
        which = tuple(values[: len(group)])
        p50, p95 = latency.get(which, NOTHING)
        first_p50, first_p95 = first_token.get(which, NOTHING)
        found.append(
            Summary(
                group=which,
                **_sums(values[len(group) :]),
                p50=p50,
                p95=p95,
                first_token_p50=first_p50,
                first_token_p95=first_p95,
            )
        )
    return sorted(found, key=_order)


def _sums(values: Sequence[Any]) -> dict[str, Any]:
    return {name: value or 0 for name, value in zip(SUMS, values, strict=True)}


def _total(rows: QuerySet[Rollup]) -> tuple[Any, ...]:
    found = rows.aggregate(**{f"{name}_": Sum(name) for name in SUMS})
    return tuple(found[f"{name}_"] for name in SUMS)


def _percentiles(
    rows: QuerySet[Rollup], group: Sequence[str], measure: str
) -> Mapping[tuple[Any, ...], tuple[float, float]]:
    """p50 and p95 of each group, worked out inside the database: the buckets are many, the groups are few."""
    buckets, counts = f"{measure}_buckets", f"{measure}_counts"
    inner, parameters = rows.values(*group, buckets, counts).query.sql_with_params()
    columns = "".join(f"{connection.ops.quote_name(name)}, " for name in group)
    groups = f"PARTITION BY {columns.rstrip(', ')}" if group else ""
    query = f"""
        WITH chosen AS ({inner}), counted AS (
            SELECT {columns} bucket, sum(n) AS n
            FROM chosen, unnest({buckets}, {counts}) AS pair(bucket, n) GROUP BY {columns} bucket
        ), passed AS (
            SELECT {columns} bucket, sum(n) OVER ({groups} ORDER BY bucket) AS so_far,
                sum(n) OVER ({groups}) AS everything
            FROM counted
        )
        SELECT {columns} min(bucket) FILTER (WHERE so_far >= 0.5 * everything),
            min(bucket) FILTER (WHERE so_far >= 0.95 * everything)
        FROM passed {f"GROUP BY {columns.rstrip(', ')}" if group else "HAVING count(*) > 0"}
    """  # noqa: S608 - names of ours
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return {
            tuple(map(_aware, values)): (middle(half), middle(most))
            for *values, half, most in cursor.fetchall()
        }


def _aware(value: Any) -> Any:
    """A bare cursor gives a day without its zone, where the ORM gives it with UTC."""
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value


def _order(summary: Summary) -> list[tuple[bool, Any]]:
    return [(value is None, value) for value in summary.group]
