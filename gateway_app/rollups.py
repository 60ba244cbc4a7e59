"""Sums calls up by hour and day: whole, again and again, so that late calls are in and nothing counts twice.

Who writes calls leaves a note of their hours in `RollupDue`, in the same transaction.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Aggregate, Count, F, FloatField, Func, Q, QuerySet, Sum, Value
from django.db.models.functions import Floor, Greatest, Ln
from django.utils import timezone

from gateway_app.histogram import GROWTH, LEAST
from gateway_app.models import Call, Rollup, RollupDue

LOCK = 7_701_904_401
"""Of Postgres's advisory locks: one process at a time sums up."""
HOURS_AT_ONCE = 48
"""In one transaction."""
FINAL = timedelta(days=28)
"""Sums of hours so old stay as they are: of their calls some may have been dropped."""

ALIKE = ("project_id", "key_id", "key_name", "surface", "prompt_name", "prompt_version", "model")
MEASURES: Mapping[str, Aggregate] = {
    "calls": Count("*"),
    "errors": Count("id", filter=Q(outcome="error")),
    "cancelled": Count("id", filter=Q(outcome="cancelled")),
    "hits": Count("id", filter=Q(cache="HIT")),
    "input_tokens": Sum("input_tokens"),
    "cached_tokens": Sum("cached_tokens"),
    "output_tokens": Sum("output_tokens"),
    "thinking_tokens": Sum("thinking_tokens"),
    "input_audio_tokens": Sum("input_audio_tokens"),
    "output_audio_tokens": Sum("output_audio_tokens"),
    "input_image_tokens": Sum("input_image_tokens"),
    "output_image_tokens": Sum("output_image_tokens"),
    "cost_usd": Sum("cost_usd", default=0),
    "unpriced": Count("id", filter=Q(outcome="ok", cost_usd=None)),
    "saved_usd": Sum("saved_usd", default=0),
    "latency_ms": Sum("latency_ms"),
}
"""Column of a rollup -> what it is of calls."""
SUMS = tuple(MEASURES)
Alike = tuple[Any, ...]
Histograms = Mapping[Alike, Mapping[int, int]]


@transaction.atomic
def roll_up_due() -> int:
    """Sums up hours that have new calls, and their days; returns how many hours were noted.

    Does nothing while another process is at it.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            return 0
    hours = list(RollupDue.objects.order_by("hour").values_list("hour", flat=True).distinct()[:HOURS_AT_ONCE])
    # The notes go first: a call that is written after this leaves another one.
    RollupDue.objects.filter(hour__in=hours).delete()
    _sum_up([hour for hour in hours if hour > timezone.now() - FINAL])
    return len(hours)


@transaction.atomic
def roll_up(hours: Sequence[datetime]) -> None:
    """Sums up those hours and their days, however old they are; waits for who is at it."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = 0")
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    _sum_up(hours)


def _sum_up(hours: Sequence[datetime]) -> None:
    for hour in hours:
        _replace(Rollup.Period.HOUR, hour, _of_calls(hour))
    for day in sorted({hour.replace(hour=0) for hour in hours}):
        _replace(Rollup.Period.DAY, day, _of_hours(day))


def _replace(period: str, start: datetime, rows: Iterable[Rollup]) -> None:
    Rollup.objects.filter(period=period, start=start).delete()
    Rollup.objects.bulk_create(rows, batch_size=500)


def _of_calls(hour: datetime) -> Iterable[Rollup]:
    calls = Call.objects.filter(created_at__gte=hour, created_at__lt=hour + timedelta(hours=1)).order_by()
    latency, first_token = _histograms(calls, "latency_ms"), _histograms(calls, "time_to_first_token_ms")
    sums = {f"{name}_": measure for name, measure in MEASURES.items()}
    for found in calls.values_list(*ALIKE).annotate(**sums):
        yield _row(Rollup.Period.HOUR, hour, found, latency=latency, first_token=first_token)


def _of_hours(day: datetime) -> Iterable[Rollup]:
    hours = Rollup.objects.filter(
        period=Rollup.Period.HOUR, start__gte=day, start__lt=day + timedelta(days=1)
    ).order_by()
    latency: dict[Alike, Counter[int]] = defaultdict(Counter)
    first_token: dict[Alike, Counter[int]] = defaultdict(Counter)
    for hour in hours:
        alike = tuple(getattr(hour, name) for name in ALIKE)
        latency[alike].update(dict(zip(hour.latency_buckets, hour.latency_counts, strict=True)))
        first_token[alike].update(dict(zip(hour.first_token_buckets, hour.first_token_counts, strict=True)))
    for found in hours.values_list(*ALIKE).annotate(*(Sum(name) for name in SUMS)):
        yield _row(Rollup.Period.DAY, day, found, latency=latency, first_token=first_token)


def _histograms(calls: QuerySet[Call], column: str) -> Histograms:
    counts: dict[Alike, dict[int, int]] = defaultdict(dict)
    rows = calls.exclude(**{column: None}).values_list(*ALIKE, _bucket(column)).annotate(n=Count("*"))
    for *alike, bucket, count in rows:
        counts[tuple(alike)][int(bucket)] = count
    return counts


def _bucket(column: str) -> Func:
    """`histogram.bucket_of`, inside the database."""
    bounded = Greatest(F(column), Value(LEAST), output_field=FloatField())
    return Floor(Ln(bounded) / Value(math.log(GROWTH)))


def _row(
    period: str, start: datetime, found: Alike, *, latency: Histograms, first_token: Histograms
) -> Rollup:
    alike, sums = found[: len(ALIKE)], found[len(ALIKE) :]
    latencies, first_tokens = latency.get(alike, {}), first_token.get(alike, {})
    return Rollup(
        period=period,
        start=start,
        **dict(zip(ALIKE, alike, strict=True)),
        **dict(zip(SUMS, sums, strict=True)),
        latency_buckets=list(latencies.keys()),
        latency_counts=list(latencies.values()),
        first_token_buckets=list(first_tokens.keys()),
        first_token_counts=list(first_tokens.values()),
    )
