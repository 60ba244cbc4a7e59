"""How Postgres sums up calls, and sums of them. Everything is a sum, histograms too."""

import math
from collections.abc import Mapping

from gateway_app.histogram import DIGITS, FIRST, GROWTH, LEAST, MOST


def _histogram(column: str) -> str:
    """One duration as a histogram (`gateway_app.histogram`): a one with so many zeros."""
    place = f"floor(ln(least(greatest({column}, {LEAST}), {MOST})) / {math.log(GROWTH)!r})::int - ({FIRST})"
    return f"CASE WHEN {column} IS NOT NULL THEN ('1e' || {DIGITS} * ({place}))::numeric END"


ALIKE = ("project_id", "key_id", "key_name", "surface", "prompt_name", "prompt_version", "model")
MEASURES: Mapping[str, str] = {
    "calls": "1",
    "errors": "(outcome = 'error')::int",
    "cancelled": "(outcome = 'cancelled')::int",
    "hits": "(cache = 'HIT')::int",
    "input_tokens": "input_tokens",
    "cached_tokens": "cached_tokens",
    "output_tokens": "output_tokens",
    "thinking_tokens": "thinking_tokens",
    "input_audio_tokens": "input_audio_tokens",
    "output_audio_tokens": "output_audio_tokens",
    "input_image_tokens": "input_image_tokens",
    "output_image_tokens": "output_image_tokens",
    "cost_usd": "cost_usd",
    "unpriced": "(outcome = 'ok' AND cost_usd IS NULL)::int",
    "saved_usd": "saved_usd",
    "latency_ms": "latency_ms",
    "latency": _histogram("latency_ms"),
    "first_token": _histogram("time_to_first_token_ms"),
}
"""Column of a rollup -> what one call adds to it."""
SUMS = tuple(MEASURES)
HISTOGRAMS = ("latency", "first_token")
"""Those of them that are histograms."""


def _insertion(source: str, moment: str, measures: Mapping[str, str]) -> str:
    """Takes `period`, `starts`, `length` and `finer`: sums up what `source` has from each start on."""
    alike, sums = ", ".join(ALIKE), ", ".join(measures)
    added = ", ".join(f"coalesce(sum({measure}), 0)" for measure in measures.values())
    return f"""
        INSERT INTO gateway_app_rollup (period, start, {alike}, {sums})
        SELECT %(period)s, piece.start, {alike}, {added}
        FROM unnest(%(starts)s::timestamptz[]) AS piece(start)
        JOIN {source} AND {moment} >= piece.start AND {moment} < piece.start + %(length)s::interval
        GROUP BY piece.start, {alike}
    """  # noqa: S608 - names of ours


OF_CALLS = _insertion("gateway_app_call ON true", "created_at", MEASURES)
OF_ROLLUPS = _insertion(
    "gateway_app_rollup finer ON finer.period = %(finer)s", "finer.start", {name: name for name in SUMS}
)
