"""Has a sample of real answers scored by a model, and keeps each score as feedback on its call."""

import asyncio
from collections.abc import Sequence
from functools import partial

import redis
import structlog
from django.db import transaction
from django.utils import timezone

from evals_app import conf
from evals_app.asking import asker
from evals_app.evaluators.base import Sample, Score
from evals_app.evaluators.checks import Check
from evals_app.experiments.sampling import Claimed, claim
from evals_app.lanes import in_thread, serving
from evals_app.models import Experiment, Judgement
from gateway_app import conf as gateway_conf
from gateway_app.exceptions import CallNotFound
from gateway_app.feedback import give_feedback
from gateway_app.gateway import Gateway
from gateway_app.requests import Caller

log = structlog.get_logger()


async def judge_some(experiment: Experiment, *, seconds: float) -> int:
    """Judges batch after batch until nothing is left to judge, the cap is spent, or the time is up.

    Returns how many calls were looked at. Raises `redis.RedisError` and `DatabaseError`; what was claimed
    then is taken up again when its lease is over.
    """
    judge = experiment.written.judge
    batch = await in_thread(partial(claim, experiment.pk, now=timezone.now())) if judge else []
    if not judge or not batch:
        return 0
    judged, loop = 0, asyncio.get_running_loop()
    until = loop.time() + seconds
    async with serving() as running:
        check = _check(running, experiment, judge.rubric)
        while batch:
            scores = await asyncio.gather(*(check.evaluate(_sample(one)) for one in batch))
            await in_thread(partial(_keep, judge.name, batch, scores))
            judged += len(batch)
            if loop.time() > until:
                break
            batch = await in_thread(partial(claim, experiment.pk, now=timezone.now()))
    log.info("experiment_judged", experiment=experiment.name, calls=judged)
    return judged


def _check(running: Gateway, experiment: Experiment, rubric: str) -> Check:
    specification = {"kind": "judge", "rubric": rubric}
    asking = asker(
        running,
        prompt=experiment.prompt,
        model="",
        evaluators=[specification],
        judge=conf.evals().judge_model,
        embedder=conf.evals().embedding_model,
    )
    return asking.checks[0]


def _sample(claimed: Claimed) -> Sample:
    return Sample(output=claimed.reply, variables={"messages": claimed.messages})


def _keep(judge: str, batch: Sequence[Claimed], scores: Sequence[Score]) -> None:
    url = gateway_conf.gateway().redis_url
    with redis.Redis.from_url(url, retry=None, socket_timeout=1, socket_connect_timeout=1) as stream:
        for claimed, score in zip(batch, scores, strict=True):
            _keep_one(judge, claimed, score, stream)


@transaction.atomic
def _keep_one(judge: str, claimed: Claimed, score: Score, stream: redis.Redis) -> None:
    """The score and its feedback, or neither; whoever was faster has said it already."""
    row = Judgement.objects.select_for_update().get(pk=claimed.judgement)
    if row.state != Judgement.State.OPEN:
        return
    row.cost_usd += score.cost_usd
    row.state, row.reason = Judgement.State.FAILED, (score.error or score.reason)[:2000]
    if score.error is None:
        try:
            _tell(judge, claimed, score, stream)
            row.state, row.score = Judgement.State.DONE, score.value
        except CallNotFound as exc:
            row.reason = str(exc)
    row.save()


def _tell(judge: str, claimed: Claimed, score: Score, stream: redis.Redis) -> None:
    caller = Caller(project_id=claimed.project_id, project="", key_name="judge")
    give_feedback(
        caller,
        stream,
        request_id=claimed.request_id,
        name=f"judge:{judge}",
        value=score.value,
        comment=score.reason[:1000],
    )
