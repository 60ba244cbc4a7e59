"""What the statistics promise, they keep over thousands of simulated experiments."""

import numpy as np
import pytest

from evals_app.statistics.intervals import Estimate, wilson
from evals_app.statistics.paired import bounded_difference
from evals_app.statistics.power import power_for_rates, units_for_rates
from evals_app.statistics.sequences import confidence_sequence
from evals_app.statistics.two_samples import Moments, welch

EXPERIMENTS = 2000
LOOKS = 50


@pytest.fixture
def random():
    return np.random.default_rng(20261123)


def looks_at(baseline, candidate):
    """The difference and the units of each look, for all experiments: two arrays, experiments by looks."""
    units = baseline.shape[1]
    at = np.linspace(units / LOOKS, units, LOOKS).astype(int) - 1
    arms = []
    for arm in (baseline, candidate):
        n = np.arange(1, units + 1)
        mean = arm.cumsum(axis=1) / n
        variance = (np.square(arm).cumsum(axis=1) / n - mean**2) * n / np.maximum(n - 1, 1)
        arms.append((mean[:, at], variance[:, at] / n[at]))
    (mean_a, error_a), (mean_b, error_b) = arms
    return mean_b - mean_a, np.sqrt(error_a + error_b), 2 * (at + 1)


def rejects(difference, error, units, *, always_valid):
    """For each experiment, whether some look excludes "no difference"."""
    per_error = [
        confidence_sequence(Estimate(value=0.0, standard_error=1.0), units=int(n), planned=5000).high
        if always_valid
        else 1.96
        for n in units
    ]
    return (np.abs(difference) > np.array(per_error) * error).any(axis=1)


@pytest.mark.parametrize("draw", ["rates", "costs"])
def test_of_2000_experiments_without_a_difference_50_looks_reject_at_most_5_percent(random, draw):
    shape = (EXPERIMENTS, 2500)
    make = {
        "rates": lambda: (random.random(shape) < 0.8).astype(float),
        "costs": lambda: random.gamma(2.0, size=shape),
    }[draw]
    looks = looks_at(make(), make())
    assert rejects(*looks, always_valid=True).mean() <= 0.05
    # The same looks at an ordinary interval are wrong far more often: the test can tell the difference.
    assert rejects(*looks, always_valid=False).mean() > 0.2


def test_a_confidence_sequence_finds_a_real_difference(random):
    baseline = (random.random((200, 5000)) < 0.80).astype(float)
    candidate = (random.random((200, 5000)) < 0.85).astype(float)
    assert rejects(*looks_at(baseline, candidate), always_valid=True).mean() > 0.95


@pytest.mark.parametrize(("low", "high"), [(0.80, 0.85), (0.50, 0.60)])
def test_the_planned_power_is_kept_within_3_points(random, low, high):
    units = units_for_rates(low, high)
    won = random.binomial(units, [low, high], (EXPERIMENTS, 2))
    found = 0
    for passed in won / units:
        spread = passed * (1 - passed) * units / (units - 1)
        a, b = (Moments(n=units, mean=m, variance=v) for m, v in zip(passed, spread, strict=True))
        found += welch(a, b).p < 0.05
    assert found / EXPERIMENTS == pytest.approx(power_for_rates(low, high, units=units), abs=0.03)


@pytest.mark.parametrize("rate", [0.05, 0.5, 0.97])
def test_wilsons_interval_covers_the_truth(random, rate):
    passed = random.binomial(30, rate, EXPERIMENTS)
    covered = [rate in wilson(int(n), 30) for n in passed]
    assert np.mean(covered) > 0.92


@pytest.mark.parametrize("cases", [30, 100])
@pytest.mark.parametrize(("won", "lost"), [(0.02, 0.02), (0.05, 0.15), (0.2, 0.2)])
def test_the_paired_interval_covers_the_truth_for_pass_and_fail(random, cases, won, lost):
    outcomes = random.choice([1.0, -1.0, 0.0], p=[won, lost, 1 - won - lost], size=(EXPERIMENTS, cases))
    covered = [won - lost in bounded_difference(row.tolist()).interval() for row in outcomes]
    assert np.mean(covered) > 0.93


def test_the_paired_interval_covers_the_truth_for_graded_scores(random):
    differences = np.clip(random.normal(-0.05, 0.3, (EXPERIMENTS, 40)), -1, 1)
    covered = [differences.mean() in bounded_difference(row.tolist()).interval() for row in differences]
    assert np.mean(covered) > 0.93
