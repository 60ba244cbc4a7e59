"""The figures on top, each against the same time before."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway_app.figures import dollars, milliseconds, percent, short, spend, thousands
from gateway_app.usage import Percentiles, Summary


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    label: str
    value: str
    note: str
    change: str = ""
    """Against the same time before."""
    tone: str = "even"
    """good, bad or even."""


def tiles(now: Summary, before: Summary) -> Sequence[Tile]:
    calls = "call" if now.unpriced == 1 else "calls"
    unpriced = (
        f"{thousands(now.unpriced)} {calls} of unknown cost" if now.unpriced else "every call is priced"
    )
    answered = now.input_tokens + now.output_tokens + now.thinking_tokens
    return (
        Tile(
            label="Spend",
            value=spend(now.cost_usd, now.unpriced),
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
        _duration("Latency", now.latencies, before.latencies),
        _duration("First token", now.first_tokens, before.first_tokens),
        Tile(
            label="Errors",
            value=percent(now.error_rate if now.calls else None),
            note=f"{thousands(now.errors)} failed, {thousands(now.cancelled)} cancelled",
            change=_points(now.error_rate, now, before.error_rate, before),
            tone=_tone(before.error_rate - now.error_rate, now, before),
        ),
    )


def _duration(label: str, now: Percentiles, before: Percentiles) -> Tile:
    return Tile(
        label=label,
        value=milliseconds(now.p50),
        note=f"p95 {milliseconds(now.p95)}",
        change=_change(now.p50 or 0, before.p50 or 0),
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
