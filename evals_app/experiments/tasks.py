"""What workers do for experiments, on the clock. Each task may come twice, or on two workers at once."""

import asyncio

import redis
import structlog
from celery import shared_task
from django.db import DatabaseError

from evals_app.exceptions import EvalError
from evals_app.experiments.judging import judge_some
from evals_app.experiments.looking import look_at_all
from evals_app.models import Experiment

log = structlog.get_logger()

JUDGING_SECONDS = 20.0
"""A task takes no batch for an experiment after that: the next beat goes on."""


@shared_task(name="evals.look_at_experiments")
def look_at_experiments() -> None:
    look_at_all()


@shared_task(name="evals.judge_experiments")
def judge_experiments() -> None:
    for row in Experiment.objects.filter(state__in=Experiment.LIVE, plan__judge__isnull=False):
        try:
            asyncio.run(judge_some(row, seconds=JUDGING_SECONDS))
        except (DatabaseError, EvalError, redis.RedisError) as exc:
            log.warning("experiment_judging_failed", experiment=row.name, error=str(exc)[:300])
