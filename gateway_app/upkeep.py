"""What the ledger needs from time to time: months made ahead, and old calls, contents and sums let go."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q

from gateway_app import partitions
from gateway_app.models import CallContent, Project, Rollup
from gateway_app.partitions import Month

HOURS_KEPT = timedelta(days=92)
"""Sums by hour; those by day stay."""
BATCH = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Upkeep:
    """What was done."""

    made: list[Month]
    dropped: list[Month]
    contents: int
    """Rows of content whose time was over."""


def keep_up(now: datetime, *, months: int) -> Upkeep:
    """`months`: how many whole months of calls are kept besides the present one; 0 keeps all."""
    made = partitions.make_ahead(now)
    dropped = partitions.drop_before(Month.of(now).plus(-months)) if months else []
    Rollup.objects.filter(period=Rollup.Period.HOUR, start__lt=now - HOURS_KEPT).delete()
    return Upkeep(made=made, dropped=dropped, contents=_forget_contents(now))


def _forget_contents(now: datetime) -> int:
    """Those whose days are over, and those of projects that are gone."""
    orphaned = ~Exists(Project.objects.filter(pk=OuterRef("project_id")))
    over = CallContent.objects.filter(Q(expires_at__lte=now) | Q(orphaned)).values_list("pk", flat=True)
    forgotten = 0
    while batch := list(over[:BATCH]):
        forgotten += CallContent.objects.filter(pk__in=batch).delete()[0]
    return forgotten
