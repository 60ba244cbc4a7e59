"""The charts in the middle: spend, calls and latency, piece by piece."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.utils.safestring import SafeString, mark_safe

from gateway_app import charts
from gateway_app.charts import Series
from gateway_app.figures import dollars, milliseconds, short
from gateway_app.usage import Summary


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    title: str
    svg: SafeString
    legend: tuple[tuple[str, str], ...]
    """(style, name)"""


def drawings(labels: Sequence[str], pieces: Sequence[Summary | None]) -> Sequence[Drawing]:
    def values(of: Callable[[Summary], float | None]) -> list[float | None]:
        return [None if piece is None else of(piece) for piece in pieces]

    spend = [Series("spend", values(lambda piece: float(piece.cost_usd)), "chart-main")]
    calls = [
        Series("answered", values(lambda piece: piece.calls - piece.hits - piece.errors), "chart-main"),
        Series("from the cache", values(lambda piece: piece.hits), "chart-good"),
        Series("failed", values(lambda piece: piece.errors), "chart-bad"),
    ]
    latency = [
        Series("p95", values(lambda piece: piece.latencies.p95), "chart-soft"),
        Series("p50", values(lambda piece: piece.latencies.p50), "chart-main"),
        Series("first token p50", values(lambda piece: piece.first_tokens.p50), "chart-good"),
    ]
    return (
        _drawing("Spend", spend, charts.bars(labels, spend, tell=dollars)),
        _drawing("Calls", calls, charts.bars(labels, calls, tell=short)),
        _drawing("Latency", latency, charts.lines(labels, latency, tell=milliseconds)),
    )


def _drawing(title: str, series: Sequence[Series], svg: str) -> Drawing:
    legend = tuple((one.style, one.name) for one in series) if len(series) > 1 else ()
    return Drawing(title=title, svg=mark_safe(svg), legend=legend)  # noqa: S308 - charts escapes what it is given
