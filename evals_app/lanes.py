"""A lane answers a run's questions, several at a time, until none is left or its time is up."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from math import ceil
from typing import Any, TypeVar
from uuid import uuid4

import structlog
from django.db import connections

from evals_app import conf
from evals_app.asking import asker
from evals_app.claims import Outcome, Question, exchange
from evals_app.evaluators.checks import ChecksInvalid
from evals_app.models import EvalRun
from evals_app.reporting import close_run
from evals_app.services import cancel_run
from gateway_app import gateway
from gateway_app.gateway import Gateway

log = structlog.get_logger()

HEARTBEAT = 3.0
"""Seconds after which a lane renews its leases, whether an answer has come or not."""
LINGER = 0.05
"""Seconds that a first answer waits for others: a trade costs as much for many as for one."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a lane needs to know of its run."""

    run_id: int
    prompt: str
    model: str
    evaluators: Sequence[Any]
    concurrency: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    answered: int
    more: bool
    """The run has questions that nobody has answered yet."""


async def work_on(run_id: int, *, seconds: float, share: int = 1) -> Progress:
    """Works on a run for `seconds`, then waits for what is under way.

    `share`: how many lanes divide the run's concurrency among them.
    """
    async with serving() as running:
        plan = await in_thread(partial(_plan, run_id))
        try:
            return await _work(plan, running, seconds=seconds, share=share)
        except ChecksInvalid as exc:
            # Of a dataset from before a rule: no other lane would come further.
            await in_thread(partial(cancel_run, run_id, actor=f"its evaluators: {exc}"[:150]))
            return Progress(answered=0, more=await in_thread(partial(close_run, run_id)))


async def _work(plan: Plan, running: Gateway, *, seconds: float, share: int) -> Progress:
    lane = uuid4()
    asking = asker(
        running,
        prompt=plan.prompt,
        model=plan.model,
        evaluators=plan.evaluators,
        judge=conf.evals().judge_model,
        embedder=conf.evals().embedding_model,
    )

    async def trade(outcomes: Sequence[Outcome], wanted: int) -> list[Question]:
        return await in_thread(partial(exchange, plan.run_id, lane, outcomes, wanted=wanted))

    answered = await run_lane(
        asking.answer, trade, concurrency=ceil(plan.concurrency / share), until=time.monotonic() + seconds
    )
    more = await in_thread(partial(close_run, plan.run_id))
    log.info("eval_lane_done", run=plan.run_id, lane=str(lane), answered=answered, more=more)
    return Progress(answered=answered, more=more)


async def run_lane(
    answer: Callable[[Question], Awaitable[Outcome]],
    trade: Callable[[Sequence[Outcome], int], Awaitable[list[Question]]],
    *,
    concurrency: int,
    until: float,
    linger: float = LINGER,
) -> int:
    """Trades outcomes for questions; how many were answered. No question is taken after `until`."""
    under_way: dict[asyncio.Future[Outcome], Question] = {}
    outcomes: list[Outcome] = []
    answered = 0
    try:
        while True:
            wanted = concurrency - len(under_way) if time.monotonic() < until else 0
            questions = await trade(outcomes, wanted)
            answered += len(outcomes)
            under_way |= {asyncio.ensure_future(answer(question)): question for question in questions}
            if not under_way:
                return answered
            done, others = await asyncio.wait(
                under_way, timeout=HEARTBEAT, return_when=asyncio.FIRST_COMPLETED
            )
            if done and others:
                done, _ = await asyncio.wait(under_way, timeout=linger)
            outcomes = [_outcome(task, under_way.pop(task)) for task in done]
    finally:
        for task in under_way:
            task.cancel()


def _outcome(task: asyncio.Future[Outcome], question: Question) -> Outcome:
    """What came of a question; a mistake of ours spoils that one and not the run."""
    exc = task.exception()
    if exc is None:
        return task.result()
    log.error("eval_question_failed", result=question.result_id, exc_info=exc)
    error = f"internal error: {type(exc).__name__}: {exc}"[:2000]
    return Outcome(result_id=question.result_id, error=error, scores={})


@asynccontextmanager
async def serving() -> AsyncGenerator[Gateway, None]:
    """A gateway of this process's own: the same pipeline, ledger included, without the doors."""
    running = gateway.build()
    await running.start()
    try:
        yield running
    finally:
        await running.stop()


async def in_thread(function: Callable[[], T]) -> T:
    """What `function` returns or raises; its database connections go back to the pool."""

    def run() -> T:
        try:
            return function()
        finally:
            connections.close_all()

    return await asyncio.to_thread(run)


def _plan(run_id: int) -> Plan:
    run = EvalRun.objects.select_related("dataset_version").get(pk=run_id)
    return Plan(
        run_id=run.pk,
        prompt=run.dataset_version.prompt,
        model=run.model,
        evaluators=run.dataset_version.evaluators,
        concurrency=run.concurrency,
    )
