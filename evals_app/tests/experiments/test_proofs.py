"""What a report claims holds over thousands of made-up experiments, however often one looks."""

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from evals_app.experiments import plans
from evals_app.experiments.effects import Rule, adjusted, effect
from evals_app.experiments.health import examine
from evals_app.experiments.observations import Observed, Seen, Spread
from evals_app.experiments.reading import Looking, compare, read, rules
from evals_app.experiments.rollout import Situation, next_move, planned_units, step_alpha
from evals_app.statistics.allocation import sample_ratio
from evals_app.statistics.distributions import normal_tail
from evals_app.statistics.intervals import Estimate
from evals_app.statistics.power import sequential_units
from evals_app.statistics.sequences import confidence_sequence, exceeds_p, reach
from evals_app.statistics.two_samples import Moments

EXPERIMENTS, LOOKS = 2000, 50
START = datetime(2026, 11, 1, tzinfo=UTC)
PLAN = plans.read(
    {
        "kind": "experiment",
        "name": "proof",
        "prompt": "summarizer",
        "champion": "v1",
        "weights": {"v1": 50, "v2": 50},
        "primary": "feedback:helpful",
        "mde": 0.05,
        "min_days": 0,
        "guardrails": [{"measure": "errors", "margin": 0}, {"measure": "latency", "margin": 0}],
    }
)


@pytest.fixture
def random():
    return np.random.default_rng(20261125)


def seen_at_looks(values):
    """(units, mean, variance): of units that come one by one, arrays of looks by experiments."""
    units = values.shape[1]
    at = np.linspace(units / LOOKS, units, LOOKS).astype(int)
    sums = values.cumsum(axis=1)[:, at - 1].T
    squares = np.square(values).cumsum(axis=1)[:, at - 1].T
    n = at[:, None]
    mean = sums / n
    return n, mean, np.maximum(squares - n * mean**2, 0) / (n - 1)


def spread(n, mean, variance, high):
    return Spread(moments=Moments(n=int(n), mean=float(mean), variance=float(variance)), low=0.0, high=high)


def closest(base, other, *, share, planned, alpha=0.05):
    """For each experiment, the look that speaks most for a difference, by formulas written once more here.

    If that one proves nothing, no look does: so the whole pipeline need not be run 100,000 times.
    """
    arms = []
    for n, mean, variance in (base, other):
        grown = n + 2 * share
        moved = (n * mean + share) / grown
        squares = (n - 1) * variance + n * mean**2 + share
        arms.append((moved, (squares - grown * moved**2) / (grown - 1) / grown))
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.nan_to_num((arms[1][0] - arms[0][0]) / np.sqrt(arms[0][1] + arms[1][1]))
    spend = -2 * np.log(alpha)
    seen = (base[0] + other[0] + 4 * share) * (spend + np.log(spend + 1)) / planned
    return np.argmax(z**2 * seen / (2 * (seen + 1)) - np.log(seen + 1) / 2, axis=0)


def verdicts(arms, *, planned, last=False):
    """Of each experiment, what is said at the looks that matter, or at the last one."""
    looks = [{name: seen_at_looks(values) for name, (values, _) in measures.items()} for measures in arms]
    high = {name: highest for name, (_, highest) in arms[0].items()}
    telling = [
        closest(
            looks[0][name],
            looks[1][name],
            share=int(high[name] == 1),
            planned=planned,
            # The guardrails' sequences have one side, which is tuned for twice the level.
            alpha=0.05 if name == PLAN.primary else 0.1,
        )
        for name in high
    ]
    for experiment in range(EXPERIMENTS):
        at = [LOOKS - 1] if last else {int(look[experiment]) for look in telling}
        yield {verdict_at(looks, high, look, experiment, planned) for look in at}


def verdict_at(looks, high, look, experiment, planned):
    seen = {
        label: Seen(
            units=int(measures["errors"][0][look, 0]),
            spreads={
                name: spread(n[look, 0], mean[look, experiment], variance[look, experiment], high[name])
                for name, (n, mean, variance) in measures.items()
            },
        )
        for label, measures in zip(("v1", "v2"), looks, strict=True)
    }
    now = START + timedelta(hours=1)
    looking = Looking(now=now, since=START, phase=1, weights=PLAN.weights, planned=planned)
    return read(PLAN, Observed(arms=seen), looking).comparisons[0].verdict


def arm(random, units, *, helpful=0.7, errors=0.02):
    shape = (EXPERIMENTS, units)
    return {
        "feedback:helpful": ((random.random(shape) < helpful).astype(np.float32), 1.0),
        "errors": ((random.random(shape) < errors).astype(np.float32), 1.0),
        "latency": (random.lognormal(0, 0.6, shape).astype(np.float32), 99.0),
    }


def test_of_2000_experiments_without_a_difference_50_looks_call_a_winner_in_at_most_5_percent(random):
    every = list(verdicts([arm(random, 1500), arm(random, 1500)], planned=3000))
    assert np.mean(["better" in said for said in every]) <= 0.05
    # Harm is looked for in the primary and in the guardrails: two questions, each at 5 percent.
    assert np.mean(["worse" in said for said in every]) <= 0.10


def test_the_same_looks_find_a_real_gain_and_a_real_harm(random):
    champion = arm(random, 1500)
    gained = list(verdicts([champion, arm(random, 1500, helpful=0.8)], planned=3000, last=True))
    assert np.mean([said == {"better"} for said in gained]) > 0.95
    harmed = list(verdicts([champion, arm(random, 1500, errors=0.08)], planned=3000, last=True))
    assert np.mean([said == {"worse"} for said in harmed]) > 0.95


@pytest.mark.parametrize(("base", "gain"), [(0.7, 0.05), (0.5, 0.1)])
@pytest.mark.parametrize("shares", [(50, 50), (90, 10)])
def test_the_planned_sample_has_the_planned_power_within_3_points(random, base, gain, shares):
    deviation = math.sqrt((base * (1 - base) + (base + gain) * (1 - base - gain)) / 2)
    if shares == (90, 10):  # the smaller arm's deviation is the one that counts there
        deviation = math.sqrt((base + gain) * (1 - base - gain) * 0.9 + base * (1 - base) * 0.1)
    total = sequential_units(gain, deviation, shares=shares)
    sizes = [round(total * share / 100) for share in shares]
    found = 0
    for won in random.binomial(sizes, [base, base + gain], (EXPERIMENTS, 2)):
        rates = won / sizes
        base_arm, other = (
            spread(n, rate, rate * (1 - rate) * n / (n - 1), 1.0)
            for n, rate in zip(sizes, rates, strict=True)
        )
        rule = Rule(measure="feedback:helpful", better=1, margin=0.05, alpha=0.05, planned=total)
        found += effect(rule, base_arm, other).low > 0
    error = math.sqrt(deviation**2 * sum(100 / share for share in shares) / total)
    theory = normal_tail(reach(units=total, planned=total) - gain / error)
    assert found / EXPERIMENTS == pytest.approx(theory, abs=0.03)
    assert theory == pytest.approx(0.8, abs=0.01)


def test_a_ratio_of_52_to_48_at_20000_units_is_an_alarm_and_one_of_50_6_to_49_4_is_none():
    def health(first, second):
        observed = Observed(arms={"v1": Seen(units=first), "v2": Seen(units=second)})
        return examine(observed, {"v1": 50, "v2": 50})

    broken = health(10_400, 9_600)
    assert not broken.good
    assert broken.ratio_p == pytest.approx(stats.chisquare([10_400, 9_600]).pvalue, rel=1e-9)
    assert health(10_120, 9_880).good


def test_the_ratio_alarm_is_rarely_false_and_detects_52_to_48(random):
    even = random.binomial(20_000, 0.5, EXPERIMENTS)
    skewed = random.binomial(20_000, 0.52, EXPERIMENTS)
    assert np.mean([sample_ratio([n, 20_000 - n], [1, 1]) < 0.001 for n in even.tolist()]) < 0.004
    assert np.mean([sample_ratio([n, 20_000 - n], [1, 1]) < 0.001 for n in skewed.tolist()]) > 0.95


@pytest.mark.parametrize(
    ("units", "half"), [(1000, 3.3638877257827813), (5000, 3.0352089903762529), (50_000, 3.2417231454054377)]
)
def test_the_half_width_is_that_of_the_formula(units, half):
    """The one of the paper, worked out in 50 decimal digits for 5,000 planned units."""
    found = confidence_sequence(Estimate(value=0.0, standard_error=1.0), units=units, planned=5000)
    assert found.high == pytest.approx(half, rel=1e-12)


@pytest.mark.parametrize("z", [0.5, 2.0, 3.0, 4.5])
@pytest.mark.parametrize("units", [60, 5000, 80_000])
def test_the_one_sided_p_value_is_never_below_that_of_the_exact_mixture(z, units):
    spend = -2 * math.log(0.1)
    seen = units * (spend + math.log(spend + 1)) / 5000
    score = z * math.sqrt(seen / (seen + 1))
    mixture = 2 * math.exp(score**2 / 2) * stats.norm.cdf(score) / math.sqrt(seen + 1)
    found = exceeds_p(Estimate(value=z, standard_error=1.0), units=units)
    assert min(1.0, 1 / mixture) <= found <= min(1.0, 2.5 / mixture)


def test_guardrails_are_adjusted_as_statsmodels_does():
    rules = [Rule(measure=name, better=-1, margin=0, alpha=0.05, planned=2000, guardrail=True)
             for name in ("errors", "latency", "cost")]  # fmt: skip
    pairs = [(0.02, 0.05), (1.0, 1.12), (1.0, 1.02)]
    found = [
        effect(rule, spread(1000, base, 0.05, 1.0), spread(1000, other, 0.06, 1.0))
        for rule, (base, other) in zip(rules, pairs, strict=True)
    ]
    raw = [one.harm_p for one in found]
    assert [one.harm_p for one in adjusted(found)] == pytest.approx(multipletests(raw, method="holm")[1])


@pytest.mark.parametrize("errors", [0.001, 0.01, 0.1])
def test_a_harmless_candidate_is_rolled_back_in_at_most_5_percent_of_the_rollouts(random, errors):
    """Looked at 50 times in each of four steps, where the candidate has 1, 10, 50 and 95 percent."""
    rolled = np.zeros(EXPERIMENTS, bool)
    for step, percent in enumerate(ROLLOUT.watched):
        theirs = seen_at_looks(failures(random, errors, units=4000 if percent > 50 else 1000))
        units = theirs[0]
        rest = units * (100 - percent) // percent
        more = np.diff(rest, axis=0, prepend=0)
        rate = random.binomial(more, errors, (LOOKS, EXPERIMENTS)).cumsum(axis=0) / rest
        ours = (rest, rate, rate * (1 - rate))
        planned = planned_units(ROLLOUT, step)
        telling = closest(ours, theirs, share=1, planned=planned, alpha=2 * step_alpha(ROLLOUT))
        rolled |= [goes_back(ours, theirs, int(look), number, step) for number, look in enumerate(telling)]
    assert rolled.mean() <= 0.05


def test_a_candidate_that_fails_every_fifth_time_is_rolled_back_within_100_units(random):
    bad = seen_at_looks(failures(random, 0.2, units=100))
    rest = 99 * bad[0]
    champion = (rest, np.full((LOOKS, EXPERIMENTS), 0.01), np.full((LOOKS, EXPERIMENTS), 0.0099))
    assert np.mean([goes_back(champion, bad, LOOKS - 1, number, 0) for number in range(EXPERIMENTS)]) > 0.95


ROLLOUT = plans.read(
    {
        "kind": "rollout",
        "name": "proof",
        "prompt": "summarizer",
        "champion": "v1",
        "candidate": "v2",
        "guardrails": [{"measure": "errors", "margin": 0}, {"measure": "latency", "margin": 0.1}],
    }
)


def failures(random, rate, *, units):
    return (random.random((EXPERIMENTS, units)) < rate).astype(np.float32)


def goes_back(champion, candidate, look, experiment, step):
    seen = {
        label: Seen(units=int(n[look, 0]), spreads={"errors": spread(n[look, 0], mean, variance, 1.0)})
        for label, n, mean, variance in (
            ("v1", champion[0], champion[1][look, experiment], champion[2][look, experiment]),
            ("v2", candidate[0], candidate[1][look, experiment], candidate[2][look, experiment]),
        )
    }
    asked = rules(ROLLOUT, planned=planned_units(ROLLOUT, step), looks=len(ROLLOUT.watched))
    observed = Observed(arms=seen)
    effects, unknown = compare(asked, observed, "v1", "v2")
    now = Situation(
        step=step,
        held=timedelta(0),
        units={label: one.units for label, one in seen.items()},
        health=examine(observed, ROLLOUT.weights_at(step)),
        effects=effects,
        unknown=unknown,
    )
    return next_move(ROLLOUT, now).to == "back"
