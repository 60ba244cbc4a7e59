"""What waits for workers: in which order, and what becomes of a run whose part of it is lost."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from evals_app import claims, services, tasks
from evals_app.models import EvalRun
from llmgateway.celery import app
from prompts_app.tasks import apply_scheduled

Queued = Callable[[], list[str]]
LANE = "evals.answer_questions"


def test_what_the_clock_asks_for_goes_before_the_questions_of_runs(queued: Queued) -> None:
    tasks.hand_out(1)
    apply_scheduled.delay()
    tasks.hand_out(2)
    assert queued() == ["prompts.apply_scheduled", LANE, LANE, LANE, LANE]


@pytest.fixture
def run(dataset: Callable[..., Any]) -> EvalRun:
    dataset(4)
    return services.start_run(dataset="echoes", versions=["v1"], actor="ada")


def test_a_run_that_the_queue_has_lost_is_taken_up_again(run: EvalRun, queued: Queued) -> None:
    tasks.hand_out(run.pk)
    app.control.purge()
    apply_scheduled.delay()
    tasks.take_up_lost_runs()
    assert queued() == ["prompts.apply_scheduled", LANE, LANE]


def test_a_run_that_waits_for_workers_is_not_handed_out_twice(run: EvalRun, queued: Queued) -> None:
    tasks.hand_out(run.pk)
    tasks.take_up_lost_runs()
    assert queued() == [LANE, LANE]


def test_a_run_that_somebody_is_at_is_not_handed_out_twice(run: EvalRun, queued: Queued) -> None:
    claims.exchange(run.pk, uuid4(), wanted=1)
    tasks.take_up_lost_runs()
    assert queued() == []


def test_a_run_that_is_over_is_not_handed_out_again(run: EvalRun, queued: Queued) -> None:
    EvalRun.objects.update(state=EvalRun.State.CANCELLED, report={})
    tasks.take_up_lost_runs()
    assert queued() == []
