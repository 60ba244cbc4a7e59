"""A plan says what is wrong with it before anything starts."""

import re

import pytest

from evals_app.exceptions import PlanInvalid
from evals_app.experiments import plans
from evals_app.experiments.forecast import Traffic, forecast
from evals_app.experiments.observations import Spread
from evals_app.statistics.power import sequential_units
from evals_app.statistics.two_samples import Moments
from evals_app.tests.experiments.conftest import PLAN, ROLLOUT, plan, rollout
from llmgateway.env import ROOT

README = ROOT / "README.md"
GUARDS = PLAN["guardrails"]
JUDGE = {"name": "quality", "rubric": "Is it true to the text?"}


@pytest.mark.parametrize("given", [PLAN, ROLLOUT, PLAN | {"primary": "judge:quality", "judge": JUDGE}])
def test_what_is_written_down_is_read_back(given):
    read = plans.read(given)
    assert plans.read(plans.plain(read)) == read


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"name": "A name"}, "is no name"),
        ({"weights": {"v1": 100}}, "2 to 5 arms"),
        ({"weights": {"v2": 50, "v3": 50}}, "the champion v1 has no share"),
        ({"weights": {"v1": 50, "v2": 60}}, "sum up to 100"),
        ({"primary": "joy"}, "is no measure"),
        ({"primary": "errors"}, "cannot be a guardrail"),
        ({"primary": "judge:quality"}, "needs a judge"),
        ({"primary": "judge:taste", "judge": JUDGE}, "needs a judge of that name"),
        ({"guardrails": GUARDS[:1]}, "2 to 5 guardrails"),
        ({"guardrails": [GUARDS[0], GUARDS[0]]}, "a measure of its own"),
        ({"guardrails": [GUARDS[0], {"measure": "cost", "margin": -1}]}, ">= 0"),
        ({"mde": 0}, "> 0"),
        ({"alpha": 0.5}, "<= 0.2"),
        ({"steps": [1]}, "unknown field"),
        ({"kind": "guess"}, "guess"),
    ],
)
def test_a_wrong_plan_is_refused_with_the_reason(change, says):
    with pytest.raises(PlanInvalid, match=says):
        plan(**change)


@pytest.mark.parametrize("steps", [[1, 10], [10, 1, 100], [0, 100], [100], [1, 1, 100]])
def test_a_rollout_grows_to_all(steps):
    with pytest.raises(PlanInvalid, match="steps"):
        rollout(steps=steps)


def test_the_champion_keeps_something_to_compare_with_while_the_last_step_is_watched():
    assert rollout().watched == (1, 10, 50, 95)
    assert rollout().weights_at(3) == {"v1": 5, "v2": 95}
    assert rollout(holdback=0).watched == (1, 10, 50)
    with pytest.raises(PlanInvalid, match="no more than the one before"):
        rollout(steps=[1, 50, 95, 100])


def test_text_that_is_no_yaml_is_refused():
    with pytest.raises(PlanInvalid, match="not YAML"):
        plans.from_yaml("a: [")


def test_the_expected_end_follows_from_traffic_shares_and_those_who_tell():
    """A quarter of 1,000 units a day gives feedback, of which 80 % is positive."""
    spread = Spread(moments=Moments(n=1750, mean=0.8, variance=0.16), low=0.0, high=1.0)
    found = forecast(plan(weights={"v1": 90, "v2": 10}), Traffic(units=7000, days=7, spread=spread))
    pair = sequential_units(0.05, 0.4, shares=(0.9, 0.1))
    assert (found.planned, found.assumed) == (pair, False)
    assert sum(found.arms.values()) == pytest.approx(4 * pair, abs=2)
    assert found.days == pytest.approx(4 * pair / 1000)


def test_without_feedback_so_far_the_worst_spread_is_assumed_and_without_traffic_no_end():
    found = forecast(plan(), Traffic(units=0, days=0, spread=None))
    assert (found.assumed, found.deviation, found.days) == (True, 0.5, None)
    assert found.planned == sequential_units(0.05, 0.5, shares=(0.5, 0.5))


def test_the_plan_in_the_readme_is_one():
    written = re.search(
        r"^```yaml\n(kind: experiment\n.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL
    )
    assert plans.from_yaml(written[1]).name == "shorter-summaries"
