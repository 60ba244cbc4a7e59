import pytest

from evals_app.evaluators.base import EvaluationFailed
from evals_app.evaluators.pairwise import PairwiseJudge, flip_rate
from evals_app.tests.conftest import Answers

# What the judge says of the two orders, who wins, whether it contradicts itself.
ORDERS = [
    ("A", "B", "first", False),
    ("B", "A", "second", False),
    ("A", "A", "tie", True),
    ("B", "B", "tie", True),
    ("tie", "tie", "tie", False),
    ("A", "tie", "tie", False),
]


@pytest.fixture
def prefer(sample):
    async def run(*answers):
        judge = PairwiseJudge(complete=Answers(*answers), rubric="Clear and true")
        return await judge.prefer(sample("one"), sample("two"))

    return run


@pytest.mark.parametrize(("ahead", "behind", "winner", "flipped"), ORDERS)
async def test_only_a_winner_of_both_orders_wins(prefer, ahead, behind, winner, flipped):
    found = await prefer({"reasoning": "", "winner": ahead}, {"reasoning": "", "winner": behind})
    assert (found.winner, found.flipped) == (winner, flipped)


async def test_each_order_shows_the_outputs_in_other_places(sample):
    judge = Answers({"reasoning": "", "winner": "tie"}, {"reasoning": "", "winner": "tie"})
    await PairwiseJudge(complete=judge, rubric="r").prefer(sample("one"), sample("two"))
    ahead, behind = judge.questions
    assert '"A": "one", "B": "two"' in ahead.user
    assert '"A": "two", "B": "one"' in behind.user


@pytest.mark.parametrize("verdict", ["no json", "[]", {"winner": "C"}, {"reasoning": "both fine"}])
async def test_a_missing_verdict_is_an_error(prefer, verdict):
    with pytest.raises(EvaluationFailed):
        await prefer({"winner": "A"}, verdict)


async def test_the_flip_rate_is_the_share_of_contradictions(prefer):
    a, b = {"winner": "A"}, {"winner": "B"}
    preferences = [await prefer(a, a), await prefer(a, b), await prefer(b, a), await prefer(b, b)]
    assert flip_rate(preferences) == 0.5
    assert flip_rate([]) == 0
