import pytest

from evals_app.comparison import compare
from evals_app.results import Result
from evals_app.verdicts import Goals

GOALS = Goals(primary="score", margin=0.05, guardrails={})


def answers(version, scores, **known):
    """One answer for each score, to the cases `c0`, `c1`, …"""
    return [answer(version, f"c{number}", score, **known) for number, score in enumerate(scores)]


def answer(version, case, score, **known):
    usual = {"critical": False, "failed": False, "latency": 1.0, "cost": 0.01, "values": {"rouge": score}}
    return Result(version=version, case=case, score=score, passed=score >= 0.5, **usual | known)


def versus(baseline, candidate, goals=GOALS, repeats=1):
    [found] = compare(
        [*baseline, *candidate], versions=["v1", "v2"], goals=goals, repeats=repeats
    ).comparisons
    return found


def test_a_clear_gain_is_better():
    found = versus(answers("v1", [0.4, 0.5, 0.6] * 20), answers("v2", [0.7, 0.8, 0.9] * 20))
    assert found.verdict == "better"
    assert "score +0.300" in found.reason
    assert (found.wins, found.losses, found.ties) == (60, 0, 0)


def test_a_clear_loss_is_worse():
    found = versus(answers("v1", [0.8] * 60), answers("v2", [0.4] * 60))
    assert found.verdict == "worse"
    assert len(found.regressions) == 60


def test_equal_answers_over_enough_cases_are_not_worse():
    assert versus(answers("v1", [0.8] * 60), answers("v2", [0.8] * 60)).verdict == "not worse"


def test_equal_answers_over_few_cases_prove_nothing_and_say_how_many_would():
    found = versus(answers("v1", [0.8] * 8), answers("v2", [0.8] * 8))
    assert found.verdict == "inconclusive"
    assert "About" in found.reason


def test_a_critical_case_that_breaks_is_worse_whatever_the_average():
    baseline = [*answers("v1", [0.4] * 60), answer("v1", "safety", 1.0, critical=True)]
    candidate = [*answers("v2", [0.9] * 60), answer("v2", "safety", 0.0, critical=True)]
    found = versus(baseline, candidate)
    assert found.verdict == "worse"
    assert "critical case safety" in found.reason
    assert len(found.improvements) == 60


def test_a_broken_guardrail_is_worse_whatever_the_gain():
    goals = Goals(primary="score", margin=0.05, guardrails={"cost": 0.2})
    baseline = [answer("v1", f"c{n}", 0.5, cost=0.010 + n / 10_000) for n in range(40)]
    candidate = [answer("v2", f"c{n}", 0.9, cost=0.015 + n / 9_000) for n in range(40)]
    found = versus(baseline, candidate, goals)
    assert found.verdict == "worse"
    assert "guardrail cost" in found.reason
    assert versus(baseline, candidate).verdict == "better"


def test_a_guardrail_within_its_margin_is_kept():
    goals = Goals(primary="score", margin=0.05, guardrails={"cost": 0.2})
    baseline = [answer("v1", f"c{n}", 0.5, cost=0.010) for n in range(40)]
    candidate = [answer("v2", f"c{n}", 0.9, cost=0.011) for n in range(40)]
    assert versus(baseline, candidate, goals).verdict == "better"


def test_a_guardrail_that_nobody_can_measure_is_not_kept():
    goals = Goals(primary="score", margin=0.05, guardrails={"cost": 0.2})
    found = versus(answers("v1", [0.4] * 60, cost=None), answers("v2", [0.9] * 60, cost=None), goals)
    assert found.verdict == "inconclusive"
    assert "guardrail cost cannot be compared" in found.reason


def test_many_errors_leave_nothing_good_to_say():
    found = versus(
        [*answers("v1", [0.9] * 50), *[answer("v1", f"e{n}", 0.0, failed=True) for n in range(10)]],
        [*answers("v2", [0.9] * 50), *[answer("v2", f"e{n}", 0.0, failed=True) for n in range(10)]],
    )
    assert found.verdict == "inconclusive"
    assert "errors" in found.reason


def test_nothing_but_failures_is_no_verdict_and_no_crash():
    goals = Goals(primary="rouge", margin=0.05, guardrails={"form": 0.1})
    versions = [answers(version, [0.0] * 30, failed=True, values={}) for version in ("v1", "v2")]
    found = versus(*versions, goals)
    assert found.verdict == "inconclusive"
    assert "100% of the answers are errors" in found.reason


def test_an_answer_that_failed_counts_against_its_version():
    baseline = answers("v1", [0.9] * 50)
    candidate = [answer("v2", f"c{n}", 0.0 if n % 2 else 0.9, failed=bool(n % 2)) for n in range(50)]
    assert versus(baseline, candidate).verdict == "worse"


def test_repeats_of_a_case_are_one_piece_of_evidence():
    once = versus(answers("v1", [0.5] * 10), answers("v2", [0.6] * 10))
    often = versus(answers("v1", [0.5] * 10) * 20, answers("v2", [0.6] * 10) * 20, repeats=20)
    assert (once.cases, once.differences[1].low) == (often.cases, often.differences[1].low)


def test_only_cases_that_both_have_answered_are_compared():
    found = versus(answers("v1", [0.5] * 30), answers("v2", [0.5] * 12))
    assert found.cases == 12


def test_without_a_common_case_nobody_can_tell():
    found = versus(answers("v1", [0.5] * 3), [])
    assert (found.verdict, found.differences) == ("inconclusive", ())


def test_the_mean_of_each_version_has_its_interval():
    run = compare(answers("v1", [0.0, 0.5, 1.0] * 10), versions=["v1"], goals=GOALS, repeats=1)
    [version] = run.versions
    score = next(measure for measure in version.measures if measure.name == "score")
    assert score.value == pytest.approx(0.5)
    assert score.low < 0.5 < score.high
    assert [measure.name for measure in version.measures] == ["passed", "score", "rouge"]


def test_repeats_show_what_passes_always_and_what_at_least_once():
    results = [answer("v1", "c", score) for score in (1.0, 0.0, 1.0)]
    [version] = compare(results, versions=["v1"], goals=GOALS, repeats=3).versions
    values = {measure.name: measure.value for measure in version.measures}
    assert values["passed"] == 1
    assert values["passed every time"] == 0
    assert values["passed at least once"] == 1


def test_the_judges_contradictions_are_reported():
    candidate = [*answers("v2", [0.5] * 3, flips=(True,)), answer("v2", "c3", 0.5, flips=(False,))]
    assert versus(answers("v1", [0.5] * 4), candidate).flip_rate == 0.75
    assert versus(answers("v1", [0.5] * 4), answers("v2", [0.5] * 4)).flip_rate is None


def test_each_tag_shows_its_pass_rate():
    results = [
        answer("v1", "a", 1.0, tags=("news", "long")),
        answer("v1", "b", 0.0, tags=("news",)),
        answer("v1", "c", 1.0),
    ]
    [version] = compare(results, versions=["v1"], goals=GOALS, repeats=1).versions
    assert [(part.tag, part.cases, part.passed.value) for part in version.slices] == [
        ("news", 2, 0.5),
        ("long", 1, 1.0),
    ]


def test_an_unknown_price_is_not_free():
    [version] = compare(answers("v1", [1.0], cost=None), versions=["v1"], goals=GOALS, repeats=1).versions
    assert version.cost is None
