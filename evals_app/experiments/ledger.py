"""The ledger's calls summed up by unit and by arm, in Postgres: what comes back is a few rows."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from evals_app.experiments.choosing import (
    CHOSEN,
    TIMEOUT_MS,
    TRIALS,
    VALUES,
    VENDOR,
    given,
    joins,
    names,
    value_of,
)
from evals_app.experiments.measures import Measure
from evals_app.experiments.observations import Observed, Seen, Spread, Window
from evals_app.statistics.two_samples import Moments

SAMPLE = 500
"""Units of each arm whose single calls are looked at."""
CALLS_OF_UNIT = 100

ASIDE = """
SELECT count(*) FILTER (WHERE prompt_version IS NULL),
    count(*) FILTER (WHERE arm_reason LIKE 'pinned%%')
FROM gateway_app_call
WHERE prompt_name = %(prompt)s AND created_at >= %(since)s AND surface <> ALL(%(trials)s)
    AND (prompt_version IS NULL OR phase = %(phase)s)
"""


@transaction.atomic
def observe(window: Window, measures: Sequence[Measure]) -> Observed:
    """All that the report needs of the calls so far. Raises `django.db.DatabaseError`."""
    known = given(window, measures)
    arms = {arm: Seen(units=0) for arm in window.arms}
    exposed = 0
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = {TIMEOUT_MS}")
        cursor.execute(_by_arm(measures), known)
        for arm, alone, *found in cursor.fetchall():
            if alone:
                arms[arm] = _seen(found, measures)
            else:
                exposed += found[0]
        cursor.execute(ASIDE, known)
        unversioned, pinned = cursor.fetchone()
    return Observed(arms=arms, exposed=exposed, unversioned=unversioned, pinned=pinned)


@transaction.atomic
def latencies(window: Window, units: Mapping[str, int]) -> dict[str, list[list[float]]]:
    """Arm -> the seconds of each unit's calls, of a sample of `SAMPLE` of the arm's `units`.

    The sample is the units with the smallest hashes: always the same ones, and no more than a few of them.
    """
    found: dict[str, list[list[float]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = {TIMEOUT_MS}")
        for arm, count in units.items():
            ceiling = f"{min(2**64 - 1, 2 * SAMPLE * 2**64 // max(1, count)):016x}"
            chosen = {"arm": [arm], "ceiling": ceiling, "calls": CALLS_OF_UNIT, "sample": SAMPLE}
            cursor.execute(
                f"SELECT (array_agg({VALUES['latency']}) FILTER (WHERE {VENDOR}))[1:%(calls)s] "  # noqa: S608
                f"FROM gateway_app_call call WHERE {CHOSEN} AND call.prompt_version = ANY(%(arm)s) "
                "AND call.unit_hash <= %(ceiling)s GROUP BY call.unit_hash "
                f"HAVING count(*) FILTER (WHERE {VENDOR}) > 0 ORDER BY call.unit_hash LIMIT %(sample)s",
                given(window) | chosen,
            )
            found[arm] = [values for (values,) in cursor.fetchall()]
    return found


def traffic(
    prompt: str, measure: Measure, *, since: datetime, until: datetime
) -> tuple[int, datetime | None, Spread | None]:
    """Units that asked for the prompt in that time, the first call, and the measure where units have it."""
    every: dict[str, Any] = {"prompt": prompt, "since": since, "until": until, "trials": TRIALS} | names(
        [measure]
    )
    query = (
        f"SELECT count(*), min(first), {_moments(0)} "  # noqa: S608 - names of ours
        f"FROM (SELECT min(call.created_at) AS first, avg({value_of(measure)}) AS v0 "
        f"FROM gateway_app_call call {joins([measure])} WHERE call.prompt_name = %(prompt)s "
        "AND call.created_at BETWEEN %(since)s AND %(until)s AND call.surface <> ALL(%(trials)s) "
        "AND call.prompt_version IS NOT NULL AND call.unit_hash IS NOT NULL GROUP BY call.unit_hash) unit"
    )
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = {TIMEOUT_MS}")
        cursor.execute(query, every)
        units, first, *moments = cursor.fetchone()
    return units, first, _spread(moments)


def _by_arm(measures: Sequence[Measure]) -> str:
    values = ", ".join(f"avg({value_of(m, i)}) AS v{i}" for i, m in enumerate(measures))
    moments = ", ".join(_moments(i) for i in range(len(measures)))
    return f"""
WITH unit AS (
    SELECT min(call.prompt_version) AS arm, min(call.prompt_version) = max(call.prompt_version) AS alone,
        count(*) AS calls, count(*) FILTER (WHERE call.outcome = 'error') AS errors,
        count(*) FILTER (WHERE call.cache = 'HIT') AS hits, sum(call.total_tokens) AS tokens,
        sum(call.cost_usd)::float8 AS cost, {values}
    FROM gateway_app_call call {joins(measures)}
    WHERE {CHOSEN} GROUP BY call.unit_hash
)
SELECT arm, alone, count(*), sum(calls), sum(errors), sum(hits), sum(tokens), sum(cost), {moments}
FROM unit GROUP BY arm, alone
"""  # noqa: S608 - names of ours


def _moments(place: int) -> str:
    v = f"v{place}"
    return f"count({v}), avg({v}), var_samp({v}), min({v}), max({v})"


def _seen(found: Sequence[Any], measures: Sequence[Measure]) -> Seen:
    units, calls, errors, hits, tokens, cost, *moments = found
    spreads = {m.name: _spread(moments[5 * place : 5 * place + 5]) for place, m in enumerate(measures)}
    return Seen(
        units=units,
        calls=int(calls),
        errors=int(errors),
        hits=int(hits),
        tokens=int(tokens or 0),
        cost_usd=cost or 0.0,
        spreads={name: spread for name, spread in spreads.items() if spread},
    )


def _spread(moments: Sequence[Any]) -> Spread | None:
    n, mean, variance, low, high = moments
    if n < 2:
        return None
    return Spread(moments=Moments(n=n, mean=mean, variance=variance), low=low, high=high)
