"""The list of calls, kept to the days that can have what its filters ask for.

A filter that matches little or nothing would have Postgres read the whole ledger. The rollups know on which
days there were such calls, and `RollupDue` which hours they do not know yet.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Max, Min, Q, QuerySet
from django.http import HttpRequest
from unfold.views import ChangeList

from gateway_app.models import Call, Rollup, RollupDue

Stretch = tuple[datetime, datetime]


class CallList(ChangeList):
    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Call]:
        rows: QuerySet[Call] = super().get_queryset(request, exclude_parameters)
        asked = Q()
        for chosen in self.filter_specs:
            if hasattr(chosen, "summed"):
                asked &= chosen.summed()
        return _within(rows, stretches(asked)) if asked else rows


def stretches(asked: Q) -> list[Stretch]:
    """From when to when calls of such rollups can be found; none where there are none."""
    days = Rollup.objects.filter(asked, period=Rollup.Period.DAY).aggregate(
        first=Min("start"), last=Max("start")
    )
    hours = RollupDue.objects.aggregate(first=Min("hour"), last=Max("hour"))
    found = []
    for ends, length in ((days, timedelta(days=1)), (hours, timedelta(hours=1))):
        if ends["first"]:
            found.append((ends["first"], ends["last"] + length))
    return found


def _within(rows: QuerySet[Call], found: list[Stretch]) -> QuerySet[Call]:
    if not found:
        return rows.none()
    first, last = min(start for start, _ in found), max(end for _, end in found)
    return rows.filter(created_at__gte=first, created_at__lt=last)
