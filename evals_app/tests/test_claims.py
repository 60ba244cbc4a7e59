from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from django.utils.timezone import now

from evals_app import services
from evals_app.claims import GIVEN_UP, Outcome, exchange
from evals_app.models import EvalResult

ONE, OTHER = UUID(int=1), UUID(int=2)


@pytest.fixture
def run(dataset):
    dataset(5)
    return services.start_run(dataset="echoes", versions=["v1", "v2"], concurrency=4, actor="ada")


@pytest.fixture
def let_leases_end():
    return lambda: EvalResult.objects.filter(state="asked").update(leased_until=now() - timedelta(seconds=1))


def answered(question, **known):
    return Outcome(result_id=question.result_id, output="word", scores={}, score=1.0, passed=True, **known)


def test_lanes_never_hold_the_same_question(run):
    first, second = exchange(run.pk, ONE, wanted=2), exchange(run.pk, OTHER, wanted=2)
    assert len({question.result_id for question in first + second}) == 4


def test_all_lanes_together_keep_the_runs_concurrency(run):
    exchange(run.pk, ONE, wanted=3)
    assert len(exchange(run.pk, OTHER, wanted=3)) == 1


def test_an_outcome_is_kept_and_makes_room(run):
    questions = exchange(run.pk, ONE, wanted=4)
    more = exchange(run.pk, ONE, [answered(questions[0], cost_usd=Decimal("0.5"))], wanted=4)
    run.refresh_from_db()
    assert (len(more), run.finished, run.spent_usd) == (1, 1, Decimal("0.5"))


def test_a_dead_lanes_questions_are_asked_again_when_their_lease_ends(run, let_leases_end):
    lost = exchange(run.pk, ONE, wanted=4)
    assert exchange(run.pk, OTHER, wanted=4) == []
    let_leases_end()
    again = exchange(run.pk, OTHER, wanted=4)
    assert [question.result_id for question in again] == [question.result_id for question in lost]
    assert again[0].request_id != lost[0].request_id


def test_a_lane_that_lives_keeps_its_questions(run, let_leases_end):
    exchange(run.pk, ONE, wanted=4)
    let_leases_end()
    exchange(run.pk, ONE)
    assert exchange(run.pk, OTHER, wanted=4) == []


def test_an_answer_that_comes_too_late_is_paid_for_and_does_not_overwrite(run, let_leases_end):
    [lost] = exchange(run.pk, ONE, wanted=1)
    let_leases_end()
    [again] = exchange(run.pk, OTHER, wanted=1)
    assert again.result_id == lost.result_id
    exchange(run.pk, OTHER, [answered(again, cost_usd=Decimal(1))])
    exchange(run.pk, ONE, [answered(lost, cost_usd=Decimal(1), error="late")])
    run.refresh_from_db()
    assert (run.finished, run.failed, run.spent_usd) == (1, 0, 2)


def test_a_question_that_kills_its_workers_is_given_up(run, let_leases_end):
    for number in range(3):
        exchange(run.pk, UUID(int=number), wanted=1)
        let_leases_end()
    exchange(run.pk, ONE, wanted=1)
    run.refresh_from_db()
    assert EvalResult.objects.get(state="done").error == GIVEN_UP
    assert (run.finished, run.failed) == (1, 1)


def test_a_cancelled_run_gives_no_question_and_still_takes_answers(run):
    [question] = exchange(run.pk, ONE, wanted=1)
    services.cancel_run(run.pk, actor="bob")
    assert exchange(run.pk, ONE, [answered(question)], wanted=4) == []
    assert EvalResult.objects.filter(state="done").count() == 1


def test_a_run_stops_at_its_cap(run):
    questions = exchange(run.pk, ONE, wanted=1)
    assert exchange(run.pk, ONE, [answered(questions[0], cost_usd=run.cap_usd)], wanted=4) == []
    run.refresh_from_db()
    assert run.state == "capped"


def test_answers_and_claims_take_few_queries_however_many_there_are(run, django_assert_max_num_queries):
    with django_assert_max_num_queries(9):
        questions = exchange(run.pk, ONE, wanted=4)
    with django_assert_max_num_queries(10):
        exchange(run.pk, ONE, [answered(question) for question in questions], wanted=4)
