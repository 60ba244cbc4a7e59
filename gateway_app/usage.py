"""What many calls cost and how they went, by whatever one asks: read from the rollups."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import QuerySet, Sum
from django.db.models.functions import TruncDay, TruncMonth

from gateway_app.histogram import percentile
from gateway_app.models import Rollup
from gateway_app.rollups import SUMS

MONTH, DAY = "month", "day_"
"""Columns that are made for grouping."""


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
    cost_usd: Decimal
    """Of the calls whose price is known."""
    unpriced: int
    """Calls that were answered and whose cost is not known."""
    saved_usd: Decimal
    latency_ms: float
    """The sum."""
    latency: Mapping[int, int]
    first_token: Mapping[int, int]

    @property
    def hit_rate(self) -> float:
        return self.hits / self.calls if self.calls else 0.0

    @property
    def error_rate(self) -> float:
        return self.errors / self.calls if self.calls else 0.0

    @property
    def mean_latency(self) -> float | None:
        return self.latency_ms / self.calls if self.calls else None

    def latency_at(self, share: float) -> float | None:
        return percentile(self.latency, share)

    def first_token_at(self, share: float) -> float | None:
        return percentile(self.first_token, share)


def chosen(*, period: str, since: datetime, until: datetime, **equal: Any) -> QuerySet[Rollup]:
    """The rollups of `period` that start from `since` on and before `until`; None in `equal` means all."""
    wanted = {name: value for name, value in equal.items() if value is not None}
    rows = Rollup.objects.filter(period=period, start__gte=since, start__lt=until, **wanted)
    return rows.annotate(**{MONTH: TruncMonth("start"), DAY: TruncDay("start")}).order_by()


def summarize(rows: QuerySet[Rollup], *group: str) -> list[Summary]:
    """One summary for each value of the columns `group`, in their order; of no column, one for all."""
    latency = _histograms(rows, group, "latency")
    first_token = _histograms(rows, group, "first_token")
    sums = rows.values_list(*group).annotate(*(Sum(name) for name in SUMS)) if group else [_total(rows)]
    found = (
        Summary(
            group=tuple(values[: len(group)]),
            **_sums(values[len(group) :]),
            latency=latency[tuple(values[: len(group)])],
            first_token=first_token[tuple(values[: len(group)])],
        )
        for values in sums
    )
    return sorted(found, key=_order)


def _sums(values: Sequence[Any]) -> dict[str, Any]:
    return {name: value or 0 for name, value in zip(SUMS, values, strict=True)}


def _total(rows: QuerySet[Rollup]) -> tuple[Any, ...]:
    found = rows.aggregate(**{f"{name}_": Sum(name) for name in SUMS})
    return tuple(found[f"{name}_"] for name in SUMS)


def _histograms(
    rows: QuerySet[Rollup], group: Sequence[str], measure: str
) -> Mapping[tuple[Any, ...], Mapping[int, int]]:
    """Bucket -> count. The arrays are added up inside the database: there are a hundred times fewer sums."""
    buckets, counts = f"{measure}_buckets", f"{measure}_counts"
    inner, parameters = rows.values(*group, buckets, counts).query.sql_with_params()
    columns = "".join(f"chosen.{connection.ops.quote_name(name)}, " for name in group)
    found: dict[tuple[Any, ...], dict[int, int]] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {columns} bucket, sum(n)::bigint FROM ({inner}) chosen, "  # noqa: S608 - names of ours
            f"unnest(chosen.{buckets}, chosen.{counts}) AS counted(bucket, n) GROUP BY {columns} bucket",
            parameters,
        )
        for *values, bucket, count in cursor.fetchall():
            found[tuple(map(_aware, values))][bucket] = count
    return found


def _aware(value: Any) -> Any:
    """A bare cursor gives a day without its zone, where the ORM gives it with UTC."""
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value


def _order(summary: Summary) -> list[tuple[bool, Any]]:
    return [(value is None, value) for value in summary.group]
