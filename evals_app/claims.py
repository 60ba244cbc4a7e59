"""How lanes share a run's questions: each question has one lane at a time, and one answer in the end.

A lane that dies lets go of its questions when their lease ends; only those are asked again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery
from django.utils.timezone import now

from evals_app.models import EvalResult, EvalRun

LEASE = timedelta(seconds=12)
"""A lane that lives renews it many times in between."""
MAX_ATTEMPTS = 3
"""Lanes that may die over one question."""
GIVEN_UP = f"{MAX_ATTEMPTS} workers died while they asked this"
KEPT = ("output", "finish_reason", "error", "cost_usd", "judging_usd", "scores", "score", "passed")
"""What of an outcome its row holds under the same name."""
State, RunState = EvalResult.State, EvalRun.State


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question as a lane gets it."""

    result_id: int
    request_id: str
    version: str
    variables: dict[str, Any]
    messages: list[dict[str, str]]
    expected: Any
    rival: str | None = None
    """The baseline's answer, where answers are compared in pairs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a question. An error is one, too."""

    result_id: int
    output: str = ""
    finish_reason: str = ""
    error: str = ""
    latency: float = 0.0
    """Seconds."""
    cost_usd: Decimal | None = None
    judging_usd: Decimal = Decimal(0)
    scores: dict[str, dict[str, Any]]
    score: float = 0.0
    passed: bool = False


@transaction.atomic
def exchange(run_id: int, lane: UUID, outcomes: Sequence[Outcome] = (), *, wanted: int = 0) -> list[Question]:
    """Takes `outcomes` in, renews the lane's leases and gives it up to `wanted` more questions.

    All lanes of a run together have no more open than its concurrency. A run that is over, cancelled or has
    spent its cap gives nothing more; its outcomes are still taken.
    """
    rows = EvalRun.objects.select_for_update(of=("self",)).select_related("dataset_version")
    run = rows.get(pk=run_id)
    for outcome in outcomes:
        _keep(run, lane, outcome)
    mine = run.results.filter(lane=lane, state=State.ASKED)
    mine.update(leased_until=now() + LEASE)
    if run.state == RunState.RUNNING and run.spent_usd >= run.cap_usd and run.finished < run.total:
        run.state, run.finished_at = RunState.CAPPED, now()
    claimed = _claim(run, lane, wanted) if run.state == RunState.RUNNING and wanted else []
    run.save(update_fields=("state", "finished", "failed", "spent_usd", "finished_at"))
    return claimed


def _keep(run: EvalRun, lane: UUID, outcome: Outcome) -> None:
    """What another lane has answered since, or has been given to it, is not overwritten."""
    known = {name: getattr(outcome, name) for name in KEPT}
    updated = run.results.filter(pk=outcome.result_id, lane=lane, state=State.ASKED).update(
        state=State.DONE, latency_ms=outcome.latency * 1000, finished_at=now(), **known
    )
    # A late answer was paid for all the same.
    run.spent_usd += (outcome.cost_usd or 0) + outcome.judging_usd
    run.finished += updated
    run.failed += updated * bool(outcome.error)


def _claim(run: EvalRun, lane: UUID, wanted: int) -> list[Question]:
    moment = now()
    unanswered = run.results.exclude(state=State.DONE)
    open_now = unanswered.filter(state=State.ASKED, leased_until__gte=moment).count()
    free = unanswered.filter(Q(state=State.OPEN) | Q(leased_until__lt=moment))
    _give_up(run, free)
    room = max(0, min(wanted, run.concurrency - open_now))
    rivals = _rivals(run) if run.dataset_version.compares_pairs else None
    if rivals is not None:
        free = free.filter(Q(version=run.versions[0]) | Exists(rivals)).annotate(
            rival=Subquery(rivals.values("output")[:1])
        )
    rows = list(free.select_related("case").order_by("id")[:room])
    EvalResult.objects.filter(pk__in=[row.pk for row in rows]).update(
        state=State.ASKED, lane=lane, leased_until=moment + LEASE, attempts=F("attempts") + 1
    )
    return [_question(run, row) for row in rows]


def _rivals(run: EvalRun) -> QuerySet[EvalResult]:
    """The baseline's answer to the question of an outer row: a pair is judged when both are there."""
    return EvalResult.objects.filter(
        run=run,
        version=run.versions[0],
        case=OuterRef("case"),
        repeat=OuterRef("repeat"),
        state=State.DONE,
    ).exclude(version=OuterRef("version"))


def _give_up(run: EvalRun, free: QuerySet[EvalResult]) -> None:
    given_up = free.filter(attempts__gte=MAX_ATTEMPTS).update(
        state=State.DONE, error=GIVEN_UP, finished_at=now()
    )
    run.finished += given_up
    run.failed += given_up


def _question(run: EvalRun, row: EvalResult) -> Question:
    return Question(
        result_id=row.pk,
        request_id=f"eval-{run.pk}-{row.pk}-{row.attempts + 1}",
        version=row.version,
        variables=row.case.variables,
        messages=row.case.messages,
        expected=row.case.expected,
        rival=getattr(row, "rival", None),
    )
