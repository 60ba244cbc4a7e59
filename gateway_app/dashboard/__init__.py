"""The admin's front page: what was spent, how it went, and who and what it was for."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from gateway_app import usage
from gateway_app.admin.set_aside import shelf
from gateway_app.dashboard.drawings import Drawing, drawings
from gateway_app.dashboard.spans import SPANS, Span
from gateway_app.dashboard.tiles import Tile, tiles
from gateway_app.dashboard.tops import Top, top
from gateway_app.models import Call


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    span: Span
    spans: tuple[Span, ...]
    empty: bool
    """There was never a call."""
    tiles: tuple[Tile, ...]
    charts: tuple[Drawing, ...]
    tops: tuple[Top, ...]
    set_aside: int | None
    """Entries that could not be read; None while Redis does not answer."""


def callback(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold's hook: for who may see calls."""
    if request.user.has_perm("gateway_app.view_call"):
        span = SPANS.get(request.GET.get("by", ""), SPANS["day"])
        context["dashboard"] = dashboard(span, now=timezone.now())
    return context


def dashboard(span: Span, *, now: datetime) -> Dashboard:
    starts = [span.back(now, count) for count in reversed(range(span.pieces))]
    rows = usage.chosen(period=span.period, since=starts[0], until=span.back(now, -1))
    before = usage.chosen(period=span.period, since=span.back(starts[0], span.pieces), until=starts[0])
    found, former = usage.summarize(rows, span.column), usage.summarize(before).total
    pieces, total = {piece.group[0]: piece for piece in found.groups}, found.total
    return Dashboard(
        span=span,
        spans=tuple(SPANS.values()),
        empty=not total.calls and not Call.objects.exists(),
        tiles=tuple(tiles(total, former)),
        charts=tuple(
            drawings([start.strftime(span.word) for start in starts], [pieces.get(s) for s in starts])
        ),
        tops=(
            top("Prompts", rows, ("prompt_name",), span),
            top("Models", rows, ("model",), span),
            top("Keys", rows, ("key_id", "key_name"), span),
        ),
        set_aside=shelf(shown=0).count,
    )
