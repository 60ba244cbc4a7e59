"""Runs through the real pipeline, with the simulator as the vendor."""

import asyncio
import time
from datetime import UTC, datetime
from functools import partial

import pytest
import redis

from evals_app import services
from evals_app.claims import Outcome, Question
from evals_app.evaluators.checks import KINDS
from evals_app.lanes import in_thread, run_lane, work_on
from evals_app.models import DatasetVersion, EvalResult, EvalRun
from evals_app.reporting import kept_report
from evals_app.tests.conftest import ADA
from gateway_app.ledger_worker import LedgerWorker
from gateway_app.models import Call
from prompts_app import services as prompts
from prompts_app.content import VersionContent

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@pytest.fixture
def start(dataset):
    def begin(count=3, *, versions=("v1", "v2"), repeats=1, **changes):
        dataset(count, **changes)
        return services.start_run(
            dataset="echoes", versions=list(versions), repeats=repeats, concurrency=4, actor="ada"
        ).pk

    return lambda *args, **changes: in_thread(partial(begin, *args, **changes))


async def finished(run_id):
    def read():
        run = EvalRun.objects.get(pk=run_id)
        return run, list(run.results.order_by("id")), kept_report(run)

    return await in_thread(read)


async def counted(**which):
    return await in_thread(EvalResult.objects.filter(**which).count)


async def test_a_run_asks_every_question_once_and_reports(start, vendor):
    run_id = await start(count=5)
    progress = await work_on(run_id, seconds=30)
    run, results, report = await finished(run_id)
    assert (progress.answered, progress.more) == (10, False)
    assert (run.state, run.finished, run.failed) == ("done", 10, 0)
    assert vendor.stats().calls == 10
    assert all("word" in result.output and result.passed for result in results)
    assert [version.version for version in report.versions] == ["v1", "v2"]
    assert run.spent_usd == sum(result.cost_usd for result in results) > 0


async def test_the_report_names_evaluators_in_the_datasets_order(start, vendor):
    run_id = await start(evaluators=[{"kind": "refusal", "name": "zeal"}, {"kind": "finish", "name": "a"}])
    await work_on(run_id, seconds=30)
    _, _, report = await finished(run_id)
    assert [measure.name for measure in report.versions[0].measures] == ["passed", "score", "zeal", "a"]


async def test_repeats_ask_anew(start, vendor):
    await work_on(await start(count=1, versions=["v1"], repeats=5), seconds=30)
    assert vendor.stats().calls == 5


async def test_a_draft_is_tried_before_it_is_published(start, vendor):
    await in_thread(lambda: draft("Repeat {{text}}"))
    run_id = await start(versions=("v1", "v3"))
    await work_on(run_id, seconds=30)
    run, _, report = await finished(run_id)
    assert (run.finished, run.failed) == (6, 0)
    assert "Cannot tell" in report.comparisons[0].reason


async def test_a_draft_that_changes_under_way_gets_no_verdict(start, vendor):
    await in_thread(lambda: draft("Repeat {{text}}"))
    run_id = await start(60, versions=("v1", "v3"))
    await in_thread(lambda: draft("Repeat {{text}}, please"))
    await work_on(run_id, seconds=30)
    _, _, report = await finished(run_id)
    assert report.comparisons[0].verdict == "inconclusive"
    assert "v3 changed" in report.comparisons[0].reason


def draft(text):
    prompts.save_draft(prompt="echo", version="v3", content=VersionContent(user=text), **ADA)


async def test_a_vendors_error_is_a_result_that_counts(start, vendor):
    await vendor.fault("400")
    run_id = await start(count=3, versions=["v1"])
    await work_on(run_id, seconds=30)
    run, results, report = await finished(run_id)
    assert (run.state, run.finished, run.failed) == ("done", 3, 1)
    assert report.versions[0].measures[0].value == pytest.approx(2 / 3)
    [failed] = [result for result in results if result.error]
    assert "provider_refused" in failed.error


async def test_what_is_answered_is_not_paid_for_twice(start, vendor):
    await vendor.fault("latency", ms=0, times=4)
    await vendor.fault("latency", ms=60_000, times=4)
    run_id = await start(count=4)
    lane = asyncio.create_task(work_on(run_id, seconds=30))
    while await counted(state="done") < 4 or await counted(state="asked") < 4:
        await asyncio.sleep(0.01)
    lane.cancel()
    with pytest.raises(asyncio.CancelledError):
        await lane
    await in_thread(lambda: EvalResult.objects.filter(state="asked").update(leased_until=LONG_AGO))
    await work_on(run_id, seconds=30)
    run, results, _ = await finished(run_id)
    assert run.state == "done"
    assert [result.attempts for result in results] == [1, 1, 1, 1, 2, 2, 2, 2]
    assert vendor.stats().calls == 12


async def test_every_kind_of_evaluator_can_be_used(start, vendor):
    specifications = {
        "pattern": {"pattern": "word"},
        "json_schema": {"schema": {"type": "object"}},
        "json_fields": {"fields": ["a"]},
        "numeric": {"expected": "number"},
        "contains_all": {"values": ["word"]},
        "contains_any": {"values": ["word"]},
        "not_contains": {"values": ["other"]},
        "length": {"at_most": 5},
        "latency_limit": {"at_most": 5},
        "cost_limit": {"at_most": "0.1"},
        "judge": {"rubric": "Is it a word?"},
        "pairwise": {"rubric": "Which is the better word?"},
        **{
            kind: {"expected": "text"}
            for kind in ("exact", "edit_similarity", "rouge_l", "bleu", "semantic_similarity")
        },
    }
    kinds = set(KINDS)
    run_id = await start(
        evaluators=[{"kind": kind, **specifications.get(kind, {})} for kind in kinds],
        cases=[{"key": "c", "variables": {"text": "word"}, "expected": {"text": "word", "number": 1}}],
    )
    await work_on(run_id, seconds=30)
    run, results, _ = await finished(run_id)
    assert (run.state, set(results[0].scores)) == ("done", kinds)
    assert not any(result.error for result in results)


async def test_pairs_are_judged_when_both_answers_are_there(start, vendor):
    run_id = await start(4, evaluators=[{"kind": "pairwise", "rubric": "Which is better?"}])
    await work_on(run_id, seconds=30)
    run, results, report = await finished(run_id)
    # Eight answers, and two orders of each of the four pairs.
    assert (run.state, vendor.stats().calls) == ("done", 16)
    assert {result.scores["pairwise"]["flipped"] for result in results if result.version == "v1"} == {None}
    assert report.comparisons[0].flip_rate is not None


def question(number):
    return Question(result_id=number, request_id="", version="v1", variables={}, messages=[], expected=None)


async def test_answers_that_come_close_together_are_traded_together():
    trades = []

    async def answer(asked):
        await asyncio.sleep(asked.result_id / 100)
        return Outcome(result_id=asked.result_id, scores={})

    async def trade(outcomes, wanted):
        trades.append([outcome.result_id for outcome in outcomes])
        return [question(number) for number in range(4)] if len(trades) == 1 else []

    await run_lane(answer, trade, concurrency=4, until=time.monotonic() + 5, linger=60)
    assert [sorted(traded) for traded in trades] == [[], [0, 1, 2, 3]]


async def test_a_slow_answer_does_not_hold_up_the_others():
    trades, slow = [], asyncio.Event()

    async def answer(asked):
        if asked.result_id:
            await slow.wait()
        return Outcome(result_id=asked.result_id, scores={})

    async def trade(outcomes, wanted):
        trades.append([outcome.result_id for outcome in outcomes])
        if outcomes:
            slow.set()
        return [question(number) for number in range(2)] if len(trades) == 1 else []

    await run_lane(answer, trade, concurrency=2, until=time.monotonic() + 5, linger=0.01)
    assert trades == [[], [0], [1]]


async def test_a_mistake_of_ours_spoils_one_question_and_not_the_run():
    questions = [question(number) for number in range(3)]
    taken = []

    async def answer(question):
        return Outcome(result_id=question.result_id, scores={}, score=1 / question.result_id)

    async def trade(outcomes, wanted):
        taken.extend(outcomes)
        given, questions[:] = questions[:wanted], questions[wanted:]
        return given

    assert await run_lane(answer, trade, concurrency=2, until=time.monotonic() + 5) == 3
    assert {outcome.result_id: outcome.error for outcome in taken} == {
        0: "internal error: ZeroDivisionError: division by zero",
        1: "",
        2: "",
    }


async def test_two_lanes_share_a_run(start, vendor):
    run_id = await start(count=20, versions=["v1"])
    await asyncio.gather(work_on(run_id, seconds=30, share=2), work_on(run_id, seconds=30, share=2))
    run, results, _ = await finished(run_id)
    assert (run.state, vendor.stats().calls) == ("done", 20)
    assert len({result.lane for result in results}) == 2


async def test_a_cancelled_run_reports_on_what_it_has(start, vendor):
    run_id = await start(count=3)
    await in_thread(partial(services.cancel_run, run_id, actor="bob"))
    await work_on(run_id, seconds=30)
    run, _, report = await finished(run_id)
    assert (run.state, vendor.stats().calls) == ("cancelled", 0)
    assert report.comparisons[0].verdict == "inconclusive"


async def test_a_run_whose_evaluators_are_not_taken_any_more_ends_and_says_so(start, vendor):
    run_id = await start(count=3)
    await in_thread(partial(DatasetVersion.objects.update, evaluators=[{"kind": "forgotten"}]))
    await work_on(run_id, seconds=30)
    run, _, _ = await finished(run_id)
    assert (run.state, vendor.stats().calls) == ("cancelled", 0)
    assert "no evaluator 'forgotten'" in run.stopped_by


async def test_a_report_of_an_earlier_release_is_computed_anew(start, vendor):
    run_id = await start()
    await work_on(run_id, seconds=30)
    _, _, before = await finished(run_id)
    await in_thread(lambda: EvalRun.objects.update(report={"baseline": "v1", "of": "long ago"}))
    _, _, after = await finished(run_id)
    assert after == before


async def test_a_judges_verdict_and_cost_are_kept(start, vendor):
    run_id = await start(
        count=2, versions=["v1"], evaluators=[{"kind": "judge", "rubric": "Is it a word?", "threshold": 0.1}]
    )
    await work_on(run_id, seconds=30)
    _, results, _ = await finished(run_id)
    assert all(result.judging_usd > 0 for result in results)
    assert all(result.scores["judge"]["error"] is None for result in results)


async def test_runs_stand_in_the_ledger_as_what_they_are(start, vendor, settings):
    await work_on(await start(count=1, versions=["v1"]), seconds=30)

    def move_ledger():
        with redis.Redis.from_url(settings.GATEWAY["REDIS_URL"]) as client:
            LedgerWorker(client, name="test", keep_going=lambda: False).run()
        return list(Call.objects.filter(surface="eval").values_list("cache", "prompt_version"))

    assert ("BYPASS", "v1") in await in_thread(move_ledger)
