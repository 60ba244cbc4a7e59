"""What workers do for runs. Each task may come twice: a run's questions have one lane each."""

import asyncio
from typing import Any

import structlog
from celery import current_app, shared_task
from celery.signals import worker_ready
from django.db import DatabaseError
from django.db.models import Exists, OuterRef
from django.utils.timezone import now

from evals_app import conf
from evals_app.experiments import tasks as experiment_tasks
from evals_app.lanes import work_on
from evals_app.models import EvalResult, EvalRun

__all__ = ["answer_questions", "experiment_tasks", "hand_out", "take_up_lost_runs", "take_up_runs"]

log = structlog.get_logger()

BATCH_SECONDS = 30.0
"""A task takes no question after that: it goes back into the queue, behind the other runs' tasks."""
IDLE_SECONDS = 2
"""Until a lane looks again that found every question in other hands."""


def hand_out(run_id: int) -> None:
    """Puts a run's lanes into the queue. Raises `kombu.exceptions.OperationalError` where Redis is away."""
    for _ in range(conf.evals().lanes):
        answer_questions.delay(run_id)


@shared_task(
    name="evals.answer_questions", autoretry_for=(DatabaseError,), retry_backoff=True, max_retries=10
)
def answer_questions(run_id: int) -> None:
    progress = asyncio.run(work_on(run_id, seconds=BATCH_SECONDS, share=conf.evals().lanes))
    if progress.more:
        answer_questions.apply_async((run_id,), countdown=0 if progress.answered else IDLE_SECONDS)


@shared_task(name="evals.take_up_runs")
def take_up_runs() -> None:
    """Whatever was running when the last worker died goes on."""
    for run_id in EvalRun.objects.filter(report__isnull=True).values_list("pk", flat=True):
        hand_out(run_id)


@shared_task(name="evals.take_up_lost_runs")
def take_up_lost_runs() -> None:
    """Redis may be emptied, and a lane that cannot reach Postgres for long gives up.

    A queue that holds lanes may hold theirs: handing out beside them would make it longer and longer.
    """
    if _lanes_waiting():
        return
    held = EvalResult.objects.filter(
        run=OuterRef("pk"), state=EvalResult.State.ASKED, leased_until__gte=now()
    )
    for run_id in EvalRun.objects.filter(~Exists(held), report__isnull=True).values_list("pk", flat=True):
        log.warning("eval_run_taken_up", run=run_id)
        hand_out(run_id)


def _lanes_waiting() -> int:
    """They alone have their priority, which is a list of its own in Redis: tasks of the clock always wait."""
    priority = current_app.conf.task_routes[answer_questions.name]["priority"]
    with current_app.connection_for_write() as broker:
        channel: Any = broker.default_channel
        return int(channel.client.llen(f"{current_app.conf.task_default_queue}{channel.sep}{priority}"))


@worker_ready.connect
def _take_up_runs(**kwargs: object) -> None:
    # As a task: this process only watches the ones that work, and must not open a database.
    take_up_runs.delay()
