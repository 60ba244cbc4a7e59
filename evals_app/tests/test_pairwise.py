import pytest

from evals_app.evaluators.checks import build
from evals_app.tests.conftest import Answers

# What the judge says of the two orders, the value, whether it contradicts itself, whether that passes.
ORDERS = [
    ("A", "B", 1.0, False, True),
    ("B", "A", 0.0, False, False),
    ("A", "A", 0.5, True, True),
    ("B", "B", 0.5, True, True),
    ("tie", "tie", 0.5, False, True),
    ("A", "tie", 0.5, False, True),
]


@pytest.fixture
def judged(tools, sample):
    async def run(*answers, rival="two"):
        [check] = build([{"kind": "pairwise", "rubric": "Clear and true"}], tools(*answers))
        score = await check.evaluate(sample("one", rival=rival))
        return score, check.passes(score)

    return run


@pytest.mark.parametrize(("ahead", "behind", "value", "flipped", "passes"), ORDERS)
async def test_only_who_wins_both_orders_wins(judged, ahead, behind, value, flipped, passes):
    score, passed = await judged({"winner": ahead}, {"winner": behind})
    assert (score.value, score.flipped, passed) == (value, flipped, passes)


async def test_each_order_shows_the_outputs_in_other_places(sample, tools):
    tool = tools({"winner": "tie"}, {"winner": "tie"})
    [check] = build([{"kind": "pairwise", "rubric": "r"}], tool)
    await check.evaluate(sample("one", rival="two"))
    assert isinstance(tool.complete, Answers)
    ahead, behind = tool.complete.questions
    assert '"A": "one", "B": "two"' in ahead.user
    assert '"A": "two", "B": "one"' in behind.user


@pytest.mark.parametrize("verdict", ["no json", "[]", {"winner": "C"}, {"reasoning": "both fine"}])
async def test_a_missing_verdict_is_an_error_and_never_a_pass(judged, verdict):
    score, passed = await judged({"winner": "A"}, verdict)
    assert (bool(score.error), passed) == (True, False)


async def test_the_baseline_ties_with_itself_for_nothing(judged):
    score, passed = await judged(rival=None)
    assert (score.value, score.flipped, score.cost_usd, passed) == (0.5, None, 0, True)
