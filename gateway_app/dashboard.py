"""The admin's front page: what was spent, how it went, and who and what it was for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe

from gateway_app import charts, usage
from gateway_app.charts import Series
from gateway_app.figures import dollars, milliseconds, percent, short, thousands
from gateway_app.models import Call, Rollup
from gateway_app.usage import Summary

MOST = 6
"""Lines of a top list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
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
    months = now.year * 12 + now.month - 1 - count
    return _days_back(now, 0).replace(year=months // 12, month=months % 12 + 1, day=1)


HOURS, DAYS = Rollup.Period.HOUR, Rollup.Period.DAY
VIEWS = {
    view.name: view
    for view in (
        View(
            name="hour",
            label="24 hours",
            period=HOURS,
            column="start",
            pieces=24,
            back=_hours_back,
            word="%H:%M",
            since="day",
        ),
        View(
            name="day",
            label="30 days",
            period=DAYS,
            column=usage.DAY,
            pieces=30,
            back=_days_back,
            word="%-d %b",
            since="month",
        ),
        View(
            name="month",
            label="12 months",
            period=DAYS,
            column=usage.MONTH,
            pieces=12,
            back=_months_back,
            word="%b %y",
            since="",
        ),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    label: str
    value: str
    note: str
    change: str = ""
    """Against the same time before."""
    tone: str = "even"
    """good, bad or even."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    title: str
    svg: SafeString
    legend: tuple[tuple[str, str], ...]
    """(style, name)"""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    view: View
    views: tuple[View, ...]
    empty: bool
    """There was never a call."""
    tiles: tuple[Tile, ...]
    charts: tuple[Chart, ...]
    tops: tuple[Top, ...]


def callback(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold's hook: for who may see calls."""
    if request.user.has_perm("gateway_app.view_call"):
        view = VIEWS.get(request.GET.get("by", ""), VIEWS["day"])
        context["dashboard"] = dashboard(view, now=timezone.now())
    return context


def dashboard(view: View, *, now: datetime) -> Dashboard:
    starts = [view.back(now, count) for count in reversed(range(view.pieces))]
    rows = usage.chosen(period=view.period, since=starts[0], until=now)
    before = usage.chosen(period=view.period, since=view.back(starts[0], view.pieces), until=starts[0])
    total, former = usage.summarize(rows)[0], usage.summarize(before)[0]
    pieces = {found.group[0]: found for found in usage.summarize(rows, view.column)}
    return Dashboard(
        view=view,
        views=tuple(VIEWS.values()),
        empty=not total.calls and not Call.objects.exists(),
        tiles=tuple(_tiles(total, former)),
        charts=tuple(
            _charts([start.strftime(view.word) for start in starts], [pieces.get(s) for s in starts])
        ),
        tops=(
            _top("Prompts", rows, ("prompt_name",), view),
            _top("Models", rows, ("model",), view),
            _top("Keys", rows, ("key_id", "key_name"), view),
        ),
    )


def _tiles(now: Summary, before: Summary) -> Sequence[Tile]:
    calls = "call" if now.unpriced == 1 else "calls"
    unpriced = (
        f"{thousands(now.unpriced)} {calls} of unknown cost" if now.unpriced else "every call is priced"
    )
    answered = now.input_tokens + now.output_tokens + now.thinking_tokens
    return (
        Tile(
            label="Spend",
            value=dollars(now.cost_usd),
            note=unpriced,
            change=_change(float(now.cost_usd), float(before.cost_usd)),
        ),
        Tile(
            label="Calls",
            value=short(now.calls),
            note=f"{short(answered)} tokens",
            change=_change(now.calls, before.calls),
        ),
        Tile(
            label="Cache hits",
            value=percent(now.hit_rate if now.calls else None),
            note=f"{dollars(now.saved_usd)} saved",
            change=_points(now.hit_rate, now, before.hit_rate, before),
            tone=_tone(now.hit_rate - before.hit_rate, now, before),
        ),
        Tile(
            label="Latency",
            value=milliseconds(now.latency_at(0.5)),
            note=f"p95 {milliseconds(now.latency_at(0.95))}",
            change=_change(now.latency_at(0.5) or 0, before.latency_at(0.5) or 0),
        ),
        Tile(
            label="First token",
            value=milliseconds(now.first_token_at(0.5)),
            note=f"p95 {milliseconds(now.first_token_at(0.95))}",
            change=_change(now.first_token_at(0.5) or 0, before.first_token_at(0.5) or 0),
        ),
        Tile(
            label="Errors",
            value=percent(now.error_rate if now.calls else None),
            note=f"{thousands(now.errors)} failed, {thousands(now.cancelled)} cancelled",
            change=_points(now.error_rate, now, before.error_rate, before),
            tone=_tone(before.error_rate - now.error_rate, now, before),
        ),
    )


def _change(now: float, before: float) -> str:
    """In percent; nothing to say where there was nothing before."""
    if not before or not now:
        return ""
    change = 100 * (now / before - 1)
    return "as before" if abs(change) < 0.5 else f"{change:+,.0f} %"


def _points(now: float, total: Summary, before: float, former: Summary) -> str:
    if not (total.calls and former.calls):
        return ""
    change = 100 * (now - before)
    return "as before" if abs(change) < 0.05 else f"{change:+.1f} points"


def _tone(better: float, now: Summary, before: Summary) -> str:
    if not (now.calls and before.calls) or abs(better) < 0.005:
        return "even"
    return "good" if better > 0 else "bad"


def _charts(labels: Sequence[str], pieces: Sequence[Summary | None]) -> Sequence[Chart]:
    def values(of: Callable[[Summary], float | None]) -> list[float | None]:
        return [None if piece is None else of(piece) for piece in pieces]

    spend = [Series("spend", values(lambda piece: float(piece.cost_usd)), "chart-main")]
    calls = [
        Series("answered", values(lambda piece: piece.calls - piece.hits - piece.errors), "chart-main"),
        Series("from the cache", values(lambda piece: piece.hits), "chart-good"),
        Series("failed", values(lambda piece: piece.errors), "chart-bad"),
    ]
    latency = [
        Series("p95", values(lambda piece: piece.latency_at(0.95)), "chart-soft"),
        Series("p50", values(lambda piece: piece.latency_at(0.5)), "chart-main"),
        Series("first token p50", values(lambda piece: piece.first_token_at(0.5)), "chart-good"),
    ]
    return (
        _chart("Spend", spend, charts.bars(labels, spend, tell=dollars)),
        _chart("Calls", calls, charts.bars(labels, calls, tell=short)),
        _chart("Latency", latency, charts.lines(labels, latency, tell=milliseconds)),
    )


def _chart(title: str, series: Sequence[Series], svg: str) -> Chart:
    legend = tuple((one.style, one.name) for one in series) if len(series) > 1 else ()
    return Chart(title=title, svg=mark_safe(svg), legend=legend)  # noqa: S308 - charts escapes what it is given


def _top(title: str, rows: QuerySet[Rollup], columns: tuple[str, ...], view: View) -> Top:
    found = usage.summarize(rows, *columns)
    found.sort(key=lambda one: (one.cost_usd, one.calls), reverse=True)
    found = found[:MOST]
    most = max((float(one.cost_usd) for one in found), default=0.0)
    return Top(title=title, rows=tuple(_top_row(one, columns, most=most, view=view) for one in found))


def _spend(found: Summary) -> str:
    """Calls of unknown cost are no calls for nothing."""
    if not found.unpriced:
        return dollars(found.cost_usd)
    return f"{dollars(found.cost_usd)} + ?" if found.cost_usd else "unknown"


def _top_row(found: Summary, columns: tuple[str, ...], *, most: float, view: View) -> TopRow:
    query: Mapping[str, Any] = {columns[0]: found.group[0], "since": view.since}
    page = reverse("admin:gateway_app_call_changelist")
    return TopRow(
        name=found.group[-1] or {"prompt_name": "no prompt", "key_id": "no key"}.get(columns[0], "unknown"),
        url=f"{page}?{urlencode({name: value for name, value in query.items() if value})}",
        calls=short(found.calls),
        cost=_spend(found),
        latency=milliseconds(found.latency_at(0.95)),
        share=100 * float(found.cost_usd) / most if most else 0,
    )
