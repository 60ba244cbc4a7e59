"""What each version of a prompt did lately, for the prompt's page in the admin."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import structlog
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from gateway_app import usage
from gateway_app.figures import NONE, dollars, milliseconds, percent, thousands
from gateway_app.ledger_schemas import MOST_FEEDBACK
from gateway_app.usage import Summary
from prompts_app.figures import PeriodFigures, VersionFigures

log = structlog.get_logger()

TIMEOUT_MS = 2000
"""For one query: a page waits no longer for figures."""
TRIALS = ("playground", "eval")
"""Surfaces whose calls are not the users'."""

SCORES = """
SELECT call.prompt_version, feedback.name, avg(feedback.number), count(*)
FROM gateway_app_feedback feedback
JOIN gateway_app_call call ON call.request_id = feedback.request_id
    AND call.project_id IS NOT DISTINCT FROM feedback.project_id
WHERE call.prompt_name = %s AND call.created_at >= %s AND feedback.created_at >= %s
    AND abs(feedback.number) <= %s AND call.prompt_version IS NOT NULL AND call.surface <> ALL(%s)
GROUP BY call.prompt_version, feedback.name ORDER BY feedback.name
"""


def version_figures(prompt: str) -> Sequence[PeriodFigures] | None:
    """Of the last 24 hours and 7 days, from the rollups; None where the database is slow or away."""
    now = timezone.now()
    hour = now.replace(minute=0, second=0, microsecond=0)
    day = hour.replace(hour=0)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {TIMEOUT_MS}")
            return (
                _period(prompt, "last 24 hours", "hour", since=hour - timedelta(hours=23), now=now),
                _period(prompt, "last 7 days", "day", since=day - timedelta(days=6), now=now),
            )
    except DatabaseError as exc:
        log.warning("version_figures_missing", prompt=prompt, error=str(exc)[:200])
        return None


def _period(prompt: str, title: str, period: str, *, since: datetime, now: datetime) -> PeriodFigures:
    chosen = usage.chosen(period=period, since=since, until=now, prompt_name=prompt)
    rows = chosen.exclude(surface__in=TRIALS).exclude(prompt_version=None)
    scores = _scores(prompt, since)
    found = (_figures(summary, scores) for summary in usage.summarize(rows, "prompt_version").groups)
    return PeriodFigures(title=title, rows=tuple(found))


def _figures(summary: Summary, scores: Mapping[str, Sequence[str]]) -> VersionFigures:
    (version,) = summary.group
    return VersionFigures(
        version=version,
        calls=thousands(summary.calls),
        p50=milliseconds(summary.latencies.p50),
        p95=milliseconds(summary.latencies.p95),
        cost=dollars(summary.cost_usd),
        errors=percent(summary.error_rate),
        score=", ".join(scores.get(version, ())) or NONE,
    )


def _scores(prompt: str, since: datetime) -> Mapping[str, Sequence[str]]:
    """Version -> each feedback's mean and how many gave it, such as `helpful 0.83 (12)`."""
    found = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(SCORES, [prompt, since, since, MOST_FEEDBACK, list(TRIALS)])
        for version, name, mean, count in cursor.fetchall():
            found[version].append(f"{name} {mean:.2f} ({count})")
    return found
