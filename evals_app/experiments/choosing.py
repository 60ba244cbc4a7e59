"""Which of the ledger's calls count, and what each tells: pieces of SQL."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from evals_app.experiments.measures import Measure
from evals_app.experiments.observations import Window
from gateway_app.ledger_schemas import MOST_FEEDBACK

TRIALS = ["playground", "eval"]
"""Surfaces whose calls are not the users'."""
TIMEOUT_MS = 120_000
SKEW = timedelta(minutes=1)
"""A worker's clock may be behind the one that noted the start."""

VENDOR = "call.outcome = 'ok' AND call.cache IN ('MISS', 'BYPASS')"
"""Calls whose time and price are the version's own: a reply from the cache is as fast for every version."""
VALUES = {
    "errors": "(call.outcome = 'error')::int::float8",
    "latency": f"CASE WHEN {VENDOR} THEN call.latency_ms / 1000 END",
    # An arm that is new has an empty cache: at what it saved, a hit costs what it would have cost.
    "cost": f"CASE WHEN {VENDOR} THEN call.cost_usd WHEN call.cache = 'HIT' THEN call.saved_usd END::float8",
    "tokens": "CASE WHEN call.outcome = 'ok' THEN call.total_tokens END::float8",
}
"""Measure -> its value for one call, null where the call does not tell."""

CHOSEN = """
call.prompt_name = %(prompt)s AND call.prompt_version = ANY(%(arms)s) AND call.phase = %(phase)s
AND call.created_at >= %(since)s AND call.arm_reason = 'split' AND call.surface <> ALL(%(trials)s)
AND call.unit_hash IS NOT NULL AND (call.session_id IS NOT NULL OR NOT %(sessions_only)s)
"""


def value_of(measure: Measure, place: int = 0) -> str:
    return VALUES.get(measure.name, f"feedback{place}.number")


def joins(measures: Sequence[Measure]) -> str:
    return " ".join(
        f"LEFT JOIN gateway_app_feedback feedback{place} ON feedback{place}.request_id = call.request_id "
        f"AND feedback{place}.project_id IS NOT DISTINCT FROM call.project_id "
        f"AND feedback{place}.name = %(feedback{place})s "
        # Of which there may be some from before they were refused: their squares are no numbers any more.
        f"AND abs(feedback{place}.number) <= {MOST_FEEDBACK}"
        for place, measure in enumerate(measures)
        if measure.feedback
    )


def units(measure: Measure) -> str:
    """The units that saw one arm and have the measure: `arm`, `v`."""
    return (
        f"SELECT min(call.prompt_version) AS arm, avg({value_of(measure)}) AS v "  # noqa: S608 - names of ours
        f"FROM gateway_app_call call {joins([measure])} WHERE {CHOSEN} GROUP BY call.unit_hash "
        "HAVING min(call.prompt_version) = max(call.prompt_version) "
        f"AND avg({value_of(measure)}) IS NOT NULL"
    )


def given(window: Window, measures: Sequence[Measure] = ()) -> dict[str, Any]:
    """The parameters of all this."""
    return {
        "prompt": window.prompt,
        "phase": window.phase,
        "since": window.since - SKEW,
        "arms": list(window.arms),
        "sessions_only": window.sessions_only,
        "trials": TRIALS,
        **names(measures),
    }


def names(measures: Sequence[Measure]) -> dict[str, Any]:
    return {f"feedback{place}": measure.feedback for place, measure in enumerate(measures)}
