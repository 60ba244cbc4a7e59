"""Which calls a judge scores: a share of each arm's, always the same ones, each claimed by one worker."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Max, Sum

from evals_app.experiments.choosing import SKEW, TRIALS
from evals_app.experiments.plans import JudgePlan
from evals_app.models import Experiment, Judgement
from gateway_app.models import CallContent

BATCH = 10
"""Calls claimed at once."""
LEASE = timedelta(minutes=5)
MOST_ATTEMPTS = 3
OLDEST = timedelta(days=1)
"""A call that nobody has judged by then is not judged any more."""
USUAL_USD = Decimal("0.01")
"""What one score is taken to cost before the first one has come."""

UNJUDGED = """
SELECT call.id, call.request_id, call.project_id, call.prompt_version
FROM gateway_app_call call JOIN gateway_app_callcontent content ON content.id = call.id
WHERE call.prompt_name = %(prompt)s AND call.phase = %(phase)s AND call.created_at >= %(since)s
    AND call.prompt_version = ANY(%(arms)s) AND call.arm_reason = 'split' AND call.surface <> ALL(%(trials)s)
    AND call.outcome = 'ok' AND content.reply IS NOT NULL
    AND ('x' || right(call.id::text, 8))::bit(32)::bigint %% 100 < %(percent)s
    AND NOT EXISTS (
        SELECT FROM evals_app_judgement judgement
        WHERE judgement.experiment_id = %(experiment)s AND judgement.call_id = call.id
            AND (judgement.state <> 'open' OR judgement.leased_until > %(now)s)
    )
ORDER BY call.created_at LIMIT %(limit)s
"""
KEPT = """
SELECT COALESCE(project.name, ''), COALESCE(project.content_percent, 0), count(*)
FROM gateway_app_call call LEFT JOIN gateway_app_project project ON project.id = call.project_id
WHERE call.prompt_name = %s AND call.created_at >= %s AND call.surface <> ALL(%s)
GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 20
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    judgement: int
    request_id: str
    project_id: int | None
    messages: Sequence[Any]
    reply: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """How much of a project's content can be judged."""

    project: str
    """Empty: calls without a project, whose content is never kept."""
    percent: int
    calls: int


def spent(experiment: Experiment) -> Decimal:
    """USD that the judge has cost so far."""
    found: Decimal | None = experiment.judgements.aggregate(total=Sum("cost_usd"))["total"]
    return found or Decimal(0)


def allowed(experiment: Experiment, judge: JudgePlan) -> int:
    """How many more scores the cap surely pays for, reckoned at the dearest one so far."""
    dearest = experiment.judgements.aggregate(most=Max("cost_usd"))["most"] or USUAL_USD
    under_way = experiment.judgements.filter(state=Judgement.State.OPEN).count()
    left = Decimal(str(judge.cap_usd)) - spent(experiment) - under_way * dearest
    return max(0, min(BATCH, int(left / dearest)))


@transaction.atomic
def claim(experiment_id: int, *, now: datetime) -> list[Claimed]:
    """Takes calls in hand that nobody has judged; none where the experiment is over or its cap is spent."""
    row = Experiment.objects.select_for_update().get(pk=experiment_id)
    plan = row.written
    if plan.judge is None or not row.is_live or not (limit := allowed(row, plan.judge)):
        return []
    assert row.phase_since is not None
    given = {
        "prompt": row.prompt,
        "phase": row.phase,
        "since": max(row.phase_since - SKEW, now - OLDEST),
        "arms": [plan.champion, *plan.challengers],
        "trials": TRIALS,
        "percent": plan.judge.percent,
        "experiment": row.pk,
        "now": now,
        "limit": limit,
    }
    with connection.cursor() as cursor:
        cursor.execute(UNJUDGED, given)
        found = {
            call_id: {"request_id": request_id, "project_id": project_id, "version": version}
            for call_id, request_id, project_id, version in cursor
        }
    contents = CallContent.objects.in_bulk(list(found))
    claimed = [(call_id, _claim(row, call_id, known, now=now)) for call_id, known in found.items()]
    return [_work(judgement, contents[call_id]) for call_id, judgement in claimed if judgement]


def keeping(prompt: str, *, since: datetime) -> list[Keeping]:
    """The projects that ask for the prompt, and how much of their content is kept."""
    with connection.cursor() as cursor:
        cursor.execute(KEPT, [prompt, since, TRIALS])
        return [Keeping(project=name, percent=percent, calls=calls) for name, percent, calls in cursor]


def _work(judgement: Judgement, content: CallContent) -> Claimed:
    return Claimed(
        judgement=judgement.pk,
        request_id=judgement.request_id,
        project_id=judgement.project_id,
        messages=content.messages,
        reply=content.reply or "",
    )


def _claim(row: Experiment, call_id: UUID, known: Mapping[str, Any], *, now: datetime) -> Judgement | None:
    """None, and the call is given up, where too many workers have died with it."""
    assert row.phase is not None
    judgement, new = Judgement.objects.get_or_create(
        experiment=row,
        call_id=call_id,
        defaults={**known, "phase": row.phase, "leased_until": now + LEASE},
    )
    if not new:
        judgement.attempts += 1
        judgement.leased_until = now + LEASE
        if judgement.attempts > MOST_ATTEMPTS:
            judgement.state, judgement.reason = Judgement.State.FAILED, "its worker died, again and again"
        judgement.save()
        if judgement.state == Judgement.State.FAILED:
            return None
    return judgement
