"""What cost most: prompts, models, keys."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.urls import reverse

from gateway_app import usage
from gateway_app.dashboard.spans import Span
from gateway_app.figures import milliseconds, short, spend
from gateway_app.models import Rollup
from gateway_app.usage import Summary

MOST = 6
"""Lines of a list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopRow:
    name: str
    url: str
    calls: str
    cost: str
    latency: str
    share: float
    """Of the longest bar, in percent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Top:
    title: str
    rows: tuple[TopRow, ...]


def top(title: str, rows: QuerySet[Rollup], columns: tuple[str, ...], span: Span) -> Top:
    groups = usage.summarize(rows, *columns).groups
    found = sorted(groups, key=lambda one: (one.cost_usd, one.calls), reverse=True)[:MOST]
    most = max((float(one.cost_usd) for one in found), default=0.0)
    return Top(title=title, rows=tuple(_top_row(one, columns, most=most, span=span) for one in found))


def _top_row(found: Summary, columns: tuple[str, ...], *, most: float, span: Span) -> TopRow:
    query: Mapping[str, Any] = {columns[0]: found.group[0], "since": span.since}
    page = reverse("admin:gateway_app_call_changelist")
    return TopRow(
        name=found.group[-1] or {"prompt_name": "no prompt", "key_id": "no key"}.get(columns[0], "unknown"),
        url=f"{page}?{urlencode({name: value for name, value in query.items() if value})}",
        calls=short(found.calls),
        cost=spend(found.cost_usd, found.unpriced),
        latency=milliseconds(found.latencies.p95),
        share=100 * float(found.cost_usd) / most if most else 0,
    )
