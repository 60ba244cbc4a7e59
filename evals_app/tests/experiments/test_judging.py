"""A sample of real answers is scored once each, within a cap, where their content is kept."""

from decimal import Decimal

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from evals_app.experiments import services
from evals_app.experiments.judging import judge_some
from evals_app.experiments.looking import look
from evals_app.experiments.sampling import MOST_ATTEMPTS, claim, keeping, spent
from evals_app.experiments.tasks import judge_experiments
from evals_app.models import Experiment, Judgement
from evals_app.tests.conftest import ADA
from evals_app.tests.experiments.conftest import ago, calls, plan
from gateway_app.models import CallContent, Feedback, Project

JUDGE = {"name": "quality", "rubric": "Is it a haiku?", "percent": 100, "cap_usd": 1}

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def project(transactional_db):
    return Project.objects.create(name="poems", content_percent=100)


@pytest.fixture
def judged(running):
    def started(**judge):
        return running(plan(primary="judge:quality", judge=JUDGE | judge))

    return started


def answered(row, project, count, version="v1", **known):
    rows = calls(version, count, phase=row.phase, project_id=project.pk, **known)
    CallContent.objects.bulk_create(
        CallContent(
            id=call.pk,
            project=project,
            created_at=call.created_at,
            expires_at=ago(days=-9),
            messages=[{"role": "user", "content": "Repeat: word"}],
            reply="word",
        )
        for call in rows
    )
    return rows


async def everything(function, *given, **known):
    return await sync_to_async(function)(*given, **known)


async def test_each_sampled_answer_is_scored_once_and_the_score_is_feedback(judged, project, vendor):
    row = await everything(judged)
    rows = await everything(answered, row, project, 12)
    assert await judge_some(row, seconds=60) == 12
    assert await judge_some(row, seconds=60) == 0
    found = await everything(lambda: list(Feedback.objects.filter(name="judge:quality")))
    assert {one.request_id for one in found} == {call.request_id for call in rows}
    assert all(0 <= one.number <= 1 for one in found)
    report = await everything(look, row)
    assert report.arms[0].figure("judge:quality").units == 12
    assert await everything(spent, row) > 0


async def test_a_plan_that_cannot_be_read_keeps_no_other_experiment_from_its_judge(judged, project, vendor):
    row = await everything(judged)
    await everything(answered, row, project, 3)
    later = {"name": "later", "prompt": "other", "plan": {"judge": JUDGE, "of": "a later release"}}
    started = {"state": "running", "phase": 1, "started_at": timezone.now()}
    await everything(Experiment.objects.create, kind="experiment", **later, **started)
    await everything(judge_experiments)
    assert await everything(Judgement.objects.filter(experiment=row, state="done").count) == 3


async def test_a_judge_that_says_nothing_sensible_is_a_failure_and_no_score(judged, project, vendor):
    row = await everything(judged)
    await everything(answered, row, project, 1)
    await vendor.fault("malformed", times=10)
    assert await judge_some(row, seconds=60) == 1
    kept = await everything(Judgement.objects.get)
    assert (kept.state, kept.score) == ("failed", None)
    assert kept.reason
    assert not await everything(Feedback.objects.exists)


def test_the_sample_is_the_same_share_of_every_arm_each_time(judged, project):
    row = judged(percent=30)
    answered(row, project, 1000)
    claimed = set()
    while batch := claim(row.pk, now=timezone.now()):
        claimed |= {one.request_id for one in batch}
        Judgement.objects.update(state="done", score=1)
    assert 230 < len(claimed) < 370
    Judgement.objects.all().delete()
    again = {one.request_id for one in claim(row.pk, now=timezone.now())}
    assert again <= claimed


def test_what_is_claimed_is_not_claimed_again_before_its_worker_is_given_up(judged, project):
    row = judged()
    answered(row, project, 3)
    now = timezone.now()
    assert len(claim(row.pk, now=now)) == 3
    assert claim(row.pk, now=now) == []
    for attempt in range(2, MOST_ATTEMPTS + 1):
        Judgement.objects.update(leased_until=ago(minutes=1))
        assert len(claim(row.pk, now=now)) == 3, attempt
    Judgement.objects.update(leased_until=ago(minutes=1))
    assert claim(row.pk, now=now) == []
    assert set(Judgement.objects.values_list("state", flat=True)) == {"failed"}


def test_the_cap_is_not_passed(judged, project):
    row = judged(cap_usd=0.05)
    answered(row, project, 20)
    assert len(claim(row.pk, now=timezone.now())) == 5
    Judgement.objects.update(state="done", score=1, cost_usd=Decimal("0.009"))
    assert claim(row.pk, now=timezone.now()) == []


def test_only_answers_of_the_experiment_that_are_kept_are_judged(judged, project):
    row = judged()
    calls("v1", 2, phase=row.phase, project_id=project.pk)
    answered(row, project, 1, arm_reason="pinned by caller")
    answered(row, project, 1, surface="playground")
    answered(row, project, 1, created_at=ago(days=2))
    assert claim(row.pk, now=timezone.now()) == []
    answered(row, project, 1, version="v2")
    services.stop(row.name, **ADA)
    assert claim(row.pk, now=timezone.now()) == []


def test_it_is_known_whose_content_cannot_be_judged(judged, project):
    row = judged()
    Project.objects.filter(pk=project.pk).update(content_percent=0)
    calls("v1", 2, phase=row.phase, project_id=project.pk)
    (found,) = keeping("echo", since=ago(hours=1))
    assert (found.project, found.percent, found.calls) == ("poems", 0, 2)
