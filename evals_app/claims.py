"""How lanes share a run's questions: each question has one lane at a time, and one answer in the end.

A lane that dies lets go of its questions when their lease ends; only those are asked again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection, transaction
from django.utils.timezone import now

from evals_app import claim_statements as statements
from evals_app.models import EvalRun
from gateway_app.json_numbers import untyped

LEASE = timedelta(seconds=12)
"""A lane that lives renews it many times in between."""
MAX_ATTEMPTS = 3
"""Lanes that may die over one question."""
GIVEN_UP = f"{MAX_ATTEMPTS} workers died while they asked this"
RENEWED = timedelta(seconds=2)
"""How old a lease becomes before it is renewed."""
RunState = EvalRun.State


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
    moment = now()
    given: dict[str, Any] = {"run": run_id, "lane": lane, "now": moment, "until": moment + LEASE}
    with connection.cursor() as cursor:
        if outcomes:
            _keep(run, outcomes, cursor, given)
        cursor.execute(statements.RENEW, given | {"old": moment + LEASE - RENEWED})
        if run.state == RunState.RUNNING and run.spent_usd >= run.cap_usd and run.finished < run.total:
            run.state, run.finished_at = RunState.CAPPED, moment
        claimed = _claim(run, wanted, cursor, given) if run.state == RunState.RUNNING and wanted else []
    run.save(update_fields=("state", "finished", "failed", "spent_usd", "finished_at"))
    return claimed


def _keep(run: EvalRun, outcomes: Sequence[Outcome], cursor: Any, given: Mapping[str, Any]) -> None:
    """What another lane has answered since, or has been given to it, is not overwritten."""
    cursor.execute(statements.KEEP, {**given, "outcomes": msgspec.json.encode(outcomes).decode()})
    failures = [failed for (failed,) in cursor.fetchall()]
    # A late answer was paid for all the same.
    run.spent_usd += sum((one.cost_usd or 0) + one.judging_usd for one in outcomes)
    run.finished += len(failures)
    run.failed += sum(failures)


def _claim(run: EvalRun, wanted: int, cursor: Any, given: Mapping[str, Any]) -> list[Question]:
    cursor.execute(statements.GIVE_UP, {**given, "most": MAX_ATTEMPTS, "error": GIVEN_UP})
    run.finished += cursor.rowcount
    run.failed += cursor.rowcount
    asked = {
        "wanted": wanted,
        "concurrency": run.concurrency,
        "pairs": run.dataset_version.compares_pairs,
        "baseline": run.versions[0],
    }
    cursor.execute(statements.CLAIM, {**given, **asked})
    return [_question(run, row) for row in sorted(cursor.fetchall())]


def _question(run: EvalRun, row: Sequence[Any]) -> Question:
    result, attempts, version, rival, case = row
    return Question(
        result_id=result,
        request_id=f"eval-{run.pk}-{result}-{attempts}",
        version=version,
        rival=rival,
        **untyped(case),
    )
