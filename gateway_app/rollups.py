"""Sums calls up by hour, day and month: whole, again and again, so that late calls are in, and none twice.

Who writes calls leaves a note of their hours in `RollupDue`, in the same transaction.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone

from gateway_app.models import Rollup, RollupDue
from gateway_app.rollup_sql import OF_CALLS, OF_ROLLUPS

LOCK = 7_701_904_401
"""Of Postgres's advisory locks: one process at a time sums up."""
HOURS_AT_ONCE = 48
"""In one transaction."""
FINAL = timedelta(days=28)
"""Sums of hours so old stay as they are: of their calls some may have been dropped."""
HOUR, DAY, MONTH = Rollup.Period.HOUR, Rollup.Period.DAY, Rollup.Period.MONTH


@transaction.atomic
def roll_up_due() -> int:
    """Sums up hours that have new calls, their days and months; returns how many hours were noted.

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
    """Sums up those hours, their days and months, however old they are; waits for who is at it."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = 0")
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    _sum_up(hours)


def _sum_up(hours: Sequence[datetime]) -> None:
    """Each period from the one before it; what lay there for long takes as long as it takes."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
    days = {hour.replace(hour=0) for hour in hours}
    _replace(HOUR, hours, OF_CALLS)
    _replace(DAY, days, OF_ROLLUPS, finer=HOUR)
    _replace(MONTH, {day.replace(day=1) for day in days}, OF_ROLLUPS, finer=DAY)


def _replace(period: str, starts: Iterable[datetime], insertion: str, *, finer: str | None = None) -> None:
    Rollup.objects.filter(period=period, start__in=starts).delete()
    given = {"period": period, "starts": sorted(starts), "length": f"1 {period}", "finer": finer}
    with connection.cursor() as cursor:
        cursor.execute(insertion, given)
