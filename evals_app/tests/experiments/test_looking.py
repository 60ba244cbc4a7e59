"""A look counts units, not calls; only those of its own phase; and says first whether they can be trusted."""

import numpy as np
import pytest
from scipy import stats

from evals_app.experiments.looking import kept_report, look
from evals_app.tests.conftest import ADA
from evals_app.tests.experiments.conftest import calls, plan
from gateway_app.models import Call, Feedback
from prompts_app import services as prompts
from prompts_app.content import VersionContent

pytestmark = pytest.mark.django_db(transaction=True)

GUARDS = [{"measure": "errors", "margin": 0.01}, {"measure": "cost", "margin": 0.2}]


@pytest.fixture
def three_versions(prompt):
    prompts.save_draft(prompt=prompt, version="v3", content=VersionContent(user="{{text}}"), **ADA)
    prompts.publish_version(prompt=prompt, version="v3", **ADA)


def test_a_better_arm_is_called_better_with_interval_and_lift(running):
    row = running(plan())
    calls("v1", 800, phase=row.phase, helpful=0.6)
    calls("v2", 800, phase=row.phase, helpful=0.75)
    found = look(row).comparisons[0]
    effect = found.effect("feedback:helpful")
    assert (found.verdict, found.next) == ("better", "Ship v2.")
    assert effect.value == pytest.approx(0.15)
    assert 0 < effect.low < 0.15 < effect.high
    assert effect.lift.low < 0.25 < effect.lift.high
    row.refresh_from_db()
    assert kept_report(row).comparisons[0] == found
    assert row.looks.get().effects["v2"]["feedback:helpful"] == [effect.value, effect.low, effect.high]


def test_feedback_beyond_all_measure_is_left_out_of_a_look(running):
    row = running(plan())
    calls("v1", 800, phase=row.phase, helpful=0.6)
    calls("v2", 800, phase=row.phase, helpful=0.75)
    for kept in Feedback.objects.order_by("id")[:3]:
        Feedback.objects.filter(pk=kept.pk).update(kind="number", number=1.7e308)
    found = look(row).comparisons[0]
    assert found.effect("feedback:helpful").value == pytest.approx(0.15, abs=0.01)


def test_many_calls_of_few_units_prove_little(running):
    """10,000 calls of 20 units are 20 units."""
    row = running(plan())
    calls("v1", 20, each=250, phase=row.phase, helpful=0.5)
    calls("v2", 20, each=250, phase=row.phase, helpful=0.9)
    report = look(row)
    assert [arm.units for arm in report.arms] == [20, 20]
    assert [arm.calls for arm in report.arms] == [5000, 5000]
    assert report.comparisons[0].verdict == "inconclusive"


def test_only_users_calls_that_the_split_divided_in_this_phase_count(running):
    row = running(plan())
    calls("v1", 3, phase=row.phase)
    for aside in (
        {"phase": row.phase - 1},
        {"surface": "playground"},
        {"surface": "eval"},
        {"arm_reason": "pinned by caller"},
        {"prompt_name": "other"},
    ):
        calls("v2", 5, **({"phase": row.phase} | aside))
    report = look(row)
    assert [arm.units for arm in report.arms] == [3, 0]
    assert report.health.pinned == 5


def test_units_that_were_not_split_as_planned_hide_the_verdict(running):
    row = running(plan())
    calls("v1", 1000, phase=row.phase, helpful=0.6)
    calls("v2", 800, phase=row.phase, helpful=0.9)
    report = look(row)
    assert report.health.ratio_p < 0.001
    assert report.comparisons[0].verdict == "inconclusive"
    assert report.comparisons[0].reason.startswith("No verdict: The units did not arrive")
    assert not row.looks.exists()


def test_units_that_saw_two_arms_are_in_none_and_many_of_them_hide_the_verdict(running):
    row = running(plan())
    both = calls("v1", 300, phase=row.phase)
    Call.objects.filter(pk__in=[call.pk for call in both[:9]]).update(unit_hash="exposed")
    calls("v2", 300, phase=row.phase)
    calls("v2", 1, phase=row.phase, unit_hash=None)
    for hashed in [call.unit_hash for call in both[9:20]]:
        moved = calls("v2", 1, phase=row.phase)[0]
        Call.objects.filter(pk=moved.pk).update(unit_hash=hashed)
    report = look(row)
    assert report.health.exposed == 11
    assert [arm.units for arm in report.arms] == [281, 300]
    assert "saw more than one arm" in report.health.problems[0]


def test_calls_that_died_before_a_version_was_chosen_hide_the_verdict(running):
    row = running(plan())
    calls("v1", 100, phase=row.phase)
    calls("v2", 100, phase=row.phase)
    calls(None, 10, phase=None, arm_reason=None, outcome="error")
    report = look(row)
    assert report.health.unversioned == 10
    assert "before a version was chosen" in report.health.problems[0]


def test_another_split_is_another_phase_and_the_report_says_so(running):
    row = running(plan())
    calls("v1", 10, phase=row.phase)
    prompts.set_split(prompt="echo", split={"v1": 20, "v2": 80}, **ADA)
    calls("v1", 50, phase=row.phase + 1)
    report = look(row)
    assert report.arms[0].units == 10
    assert "Somebody else has changed the traffic" in report.health.notes[0]


def test_a_broken_guardrail_is_worse_whatever_was_gained(running):
    row = running(plan())
    calls("v1", 500, phase=row.phase, helpful=0.5)
    calls("v2", 440, phase=row.phase, helpful=0.9)
    calls("v2", 60, phase=row.phase, outcome="error", cost_usd=None)
    found = look(row).comparisons[0]
    assert (found.verdict, found.next) == ("worse", "Keep v1.")
    assert "errors is broken" in found.reason
    assert found.effect("feedback:helpful").lift.low >= -1


def test_a_gain_is_not_called_before_the_planned_time(running):
    row = running(plan(min_days=3))
    calls("v1", 800, phase=row.phase, helpful=0.6)
    calls("v2", 800, phase=row.phase, helpful=0.8)
    found = look(row).comparisons[0]
    assert found.verdict == "inconclusive"
    assert found.reason.startswith("Too early to call")


def test_hits_are_priced_at_what_they_saved_and_do_not_speed_an_arm_up(running):
    row = running(plan())
    calls("v1", 50, phase=row.phase)
    calls("v2", 50, phase=row.phase, cache="HIT", cost_usd=0, saved_usd="0.0001", latency_ms=2)
    champion, challenger = look(row).arms
    assert challenger.hit_share == 1
    assert challenger.figure("cost").value == pytest.approx(champion.figure("cost").value)
    assert challenger.figure("latency") is None


def test_percentiles_are_over_the_units_calls_with_an_interval(running):
    row = running(plan())
    for number in range(100):
        calls("v1", 1, phase=row.phase, latency_ms=10.0 * (number + 1))
    middle = look(row).arms[0].figure("latency p50")
    assert middle.value == pytest.approx(0.505, abs=0.01)
    assert middle.interval.low < 0.5 < middle.interval.high


def duels_of(report):
    return {(duel.arm, duel.against): duel for duel in report.duels}


def test_each_arm_is_set_against_each_other_one_unit_by_unit(running, three_versions):
    weights = {"v1": 40, "v2": 30, "v3": 30}
    row = running(plan(weights=weights, primary="latency", guardrails=GUARDS))
    random = np.random.default_rng(7)
    times = {label: random.lognormal(size=share * 5).round(1) for label, share in weights.items()}
    times["v3"] += 2
    for label, seconds in times.items():
        for second in seconds:
            calls(label, 1, phase=row.phase, latency_ms=1000 * second)
    found = duels_of(look(row))
    assert len(found) == 6
    for (arm, against), duel in found.items():
        # Less is better: the arm wins where the other one takes longer.
        u = stats.mannwhitneyu(times[against], times[arm]).statistic
        assert duel.share == pytest.approx(u / len(times[arm]) / len(times[against]))
        assert duel.low < duel.share < duel.high
        assert duel.low == pytest.approx(1 - found[against, arm].high)
    assert found["v1", "v3"].wins
    assert found["v3", "v1"].loses
    assert not found["v1", "v2"].wins
    assert not found["v1", "v2"].loses


def test_units_that_tie_win_half(running):
    row = running(plan())
    calls("v1", 200, phase=row.phase, helpful=0.5)
    calls("v2", 200, phase=row.phase, helpful=1)
    assert duels_of(look(row))["v2", "v1"].share == pytest.approx(0.75)


def test_an_arm_without_data_is_in_no_duel(running):
    row = running(plan())
    assert look(row).duels == ()
    calls("v1", 50, phase=row.phase, helpful=0.5)
    calls("v2", 50, phase=row.phase)
    assert look(row).duels == ()
