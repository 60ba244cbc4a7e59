"""Filters of the ledger. The rollups know which values there are: the calls are too many to ask."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from gateway_app.models import Call, Project, Rollup
from gateway_app.rollup_sql import ALIKE
from gateway_app.troubles import TROUBLES
from gateway_app.usage import months_on

LONGEST_ID = 19
"""Digits, from which on a number is none of Postgres's."""
RECENT = 3
"""Months before this one in which values are looked for."""
MOST = 200
"""Values that a filter offers."""


class SinceFilter(SimpleListFilter):
    title = "time"
    parameter_name = "since"
    spans = {"hour": ("Past hour", timedelta(hours=1)), "day": ("Past 24 hours", timedelta(days=1))}
    spans |= {"week": ("Past 7 days", timedelta(days=7)), "month": ("Past 30 days", timedelta(days=30))}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, label) for name, (label, _) in self.spans.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Call]) -> QuerySet[Call]:
        if (chosen := self.value()) not in self.spans:
            return queryset
        return queryset.filter(created_at__gte=timezone.now() - self.spans[chosen][1])


class ColumnFilter(SimpleListFilter):
    """One value of the column `parameter_name`."""

    known: tuple[str, ...] = ()
    counted: Mapping[str, str] = {}
    """Value -> the rollups' count of such calls, where they tell calls apart by a count alone."""

    def summed(self) -> Q:
        """The rollups that such calls are in."""
        chosen, column = self.value(), str(self.parameter_name)
        if chosen and column in ALIKE:
            return Q(**{column: chosen})
        count = self.counted.get(chosen or "")
        return Q(**{f"{count}__gt": 0}) if count else Q()

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(value, value) for value in self.known]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Call]) -> QuerySet[Call]:
        chosen = self.value()
        if chosen and self.known and chosen not in self.known:
            return queryset.none()  # as it is, without looking for it
        return queryset.filter(**{str(self.parameter_name): chosen}) if chosen else queryset


class RecentValueFilter(ColumnFilter):
    """Offers what calls had lately, and what the address names."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        column = str(self.parameter_name)
        since = months_on(timezone.now(), -RECENT)
        rows = Rollup.objects.filter(period=Rollup.Period.MONTH, start__gte=since)
        found = rows.exclude(**{column: None}).order_by(column).values_list(column, flat=True).distinct()
        values = {str(value) for value in found[:MOST]} | {*request.GET.getlist(column)}
        return [(value, value) for value in sorted(values)]


class ProjectFilter(SimpleListFilter):
    title = "project"
    parameter_name = "project"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        projects = Project.objects.order_by("name").values_list("pk", "name")[:MOST]
        return [(str(pk), name) for pk, name in projects] + [("none", "anonymous")]

    def summed(self) -> Q:
        """The rollups that such calls are in."""
        chosen = self.value() or ""
        if chosen == "none":
            return Q(project_id=None)
        return Q(project_id=int(chosen)) if chosen.isdecimal() and len(chosen) < LONGEST_ID else Q()

    def queryset(self, request: HttpRequest, queryset: QuerySet[Call]) -> QuerySet[Call]:
        return queryset.filter(self.summed())


class ErrorFilter(ColumnFilter):
    """A code. Only failed calls have one, and they have an index of their own."""

    title = "error"
    parameter_name = "error_code"
    known = tuple(sorted(TROUBLES))
    counted = dict.fromkeys(TROUBLES, "errors")

    def queryset(self, request: HttpRequest, queryset: QuerySet[Call]) -> QuerySet[Call]:
        found = super().queryset(request, queryset)
        return found.filter(outcome="error") if self.value() else found


def _filter(base: type[ColumnFilter], column: str, title: str, **known: Any) -> type[ColumnFilter]:
    return type(f"{column}_filter", (base,), {"parameter_name": column, "title": title, **known})


FILTERS = (
    SinceFilter,
    _filter(
        ColumnFilter,
        "outcome",
        "outcome",
        known=("ok", "error", "cancelled"),
        counted={"error": "errors", "cancelled": "cancelled"},
    ),
    _filter(
        ColumnFilter,
        "cache",
        "cache",
        known=("HIT", "MISS", "COALESCED", "BYPASS"),
        counted={"HIT": "hits"},
    ),
    _filter(RecentValueFilter, "prompt_name", "prompt"),
    _filter(RecentValueFilter, "prompt_version", "version"),
    _filter(RecentValueFilter, "model", "model"),
    _filter(ColumnFilter, "surface", "surface", known=("chat", "v1", "ws", "playground", "eval")),
    ProjectFilter,
    ErrorFilter,
)
