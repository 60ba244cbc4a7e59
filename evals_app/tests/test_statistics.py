"""Our statistics equal those of scipy and statsmodels, where these compute the same."""

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as their_mcnemar
from statsmodels.stats.inter_rater import cohens_kappa, to_table
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import NormalIndPower
from statsmodels.stats.proportion import power_proportions_2indep, proportion_confint

from evals_app.statistics import distributions
from evals_app.statistics.agreement import kappa
from evals_app.statistics.allocation import ALARM, sample_ratio
from evals_app.statistics.bootstrap import bootstrap_mean, bootstrap_percentile, paired_bootstrap
from evals_app.statistics.intervals import Estimate, Interval, t_interval, wilson
from evals_app.statistics.multiplicity import holm
from evals_app.statistics.paired import bounded_difference, mcnemar, not_worse, worse_by
from evals_app.statistics.power import power_for_rates, units_for_means, units_for_rates
from evals_app.statistics.ratios import ratio, relative_lift
from evals_app.statistics.sequences import confidence_sequence
from evals_app.statistics.superiority import superiority
from evals_app.statistics.two_samples import Moments, welch

RANDOM = np.random.default_rng(20261123)
SKEWED = RANDOM.lognormal(size=60).tolist()
OTHER = RANDOM.lognormal(0.3, size=80).tolist()


def close(value, *, within=1e-9):
    return pytest.approx(value, rel=within, abs=1e-12)


@pytest.mark.parametrize("degrees", [1, 2.5, 9, 200, 10_000])
@pytest.mark.parametrize("t", [-3.0, 0.0, 0.2, 2.0, 12.0])
def test_students_tail_is_scipys(t, degrees):
    assert distributions.t_tail(t, degrees) == close(stats.t.sf(t, degrees), within=1e-8)


@pytest.mark.parametrize("degrees", [1, 2, 9, 35, 5000])
@pytest.mark.parametrize("p", [0.005, 0.4, 0.5, 0.95, 0.9999])
def test_students_quantile_is_scipys(p, degrees):
    assert distributions.t_quantile(p, degrees) == close(stats.t.ppf(p, degrees), within=1e-7)


@pytest.mark.parametrize("degrees", [1, 2, 3, 4, 9])
@pytest.mark.parametrize("x", [0.0, 0.3, 4.0, 50.0])
def test_the_chi_square_tail_is_scipys(x, degrees):
    assert distributions.chi_square_tail(x, degrees) == close(stats.chi2.sf(x, degrees))


@pytest.mark.parametrize(("successes", "trials"), [(0, 5), (5, 5), (17, 30), (999, 1000)])
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_wilsons_interval_is_statsmodels(successes, trials, confidence):
    low, high = proportion_confint(successes, trials, alpha=1 - confidence, method="wilson")
    found = wilson(successes, trials, confidence=confidence)
    assert (found.low, found.high) == (close(low), close(high))


def test_without_trials_every_rate_is_possible():
    assert wilson(0, 0) == Interval(0, 1)


def test_the_t_interval_is_scipys():
    low, high = stats.ttest_1samp(SKEWED, 0).confidence_interval(0.95)
    found = t_interval(SKEWED)
    assert (found.low, found.high) == (close(low), close(high))


def test_one_value_has_no_interval():
    with pytest.raises(ValueError, match="two values"):
        t_interval([1.0])


def test_the_bootstrap_of_a_mean_is_scipys_up_to_chance():
    theirs = stats.bootstrap(
        (SKEWED,), np.mean, method="percentile", n_resamples=20_000, rng=1
    ).confidence_interval
    found = bootstrap_mean(SKEWED, seed=1, resamples=20_000)
    assert (found.low, found.high) == (close(theirs.low, within=0.02), close(theirs.high, within=0.02))


def test_a_percentile_of_units_of_one_is_scipys_up_to_chance():
    theirs = stats.bootstrap(
        (SKEWED,),
        lambda x, axis: np.percentile(x, 75, axis=axis),
        method="percentile",
        n_resamples=9999,
        rng=1,
    ).confidence_interval
    found = bootstrap_percentile([[value] for value in SKEWED], 75, seed=1)
    assert (found.low, found.high) == (close(theirs.low, within=0.05), close(theirs.high, within=0.05))


def test_calls_of_one_unit_are_drawn_together():
    alone = bootstrap_percentile([[value] for value in SKEWED for _ in range(10)], 50, seed=1)
    together = bootstrap_percentile([[value] * 10 for value in SKEWED], 50, seed=1)
    assert together.high - together.low > 2 * (alone.high - alone.low)


def test_a_paired_bootstrap_sees_a_small_change_behind_a_large_spread():
    shifted = [value + 0.1 for value in SKEWED]
    found = paired_bootstrap(SKEWED, shifted, seed=1)
    assert (found.low, found.high) == (close(0.1), close(0.1))


def test_the_same_seed_resamples_the_same():
    assert bootstrap_mean(SKEWED, seed=4) == bootstrap_mean(SKEWED, seed=4) != bootstrap_mean(SKEWED, seed=5)


@pytest.mark.parametrize(("won", "lost"), [(0, 0), (1, 0), (3, 12), (8, 8), (700, 800)])
def test_mcnemars_test_is_statsmodels(won, lost):
    baseline = [False] * won + [True] * lost + [True] * 5
    candidate = [True] * won + [False] * lost + [True] * 5
    theirs = their_mcnemar([[5, lost], [won, 0]], exact=True).pvalue
    assert mcnemar(baseline, candidate) == close(theirs)


def test_the_difference_of_pairs_is_agresti_and_mins():
    # Wald's interval for matched pairs after half a case was added to each of the four outcomes.
    won, lost, n = 3 + 0.5, 7 + 0.5, 50 + 2
    error = math.sqrt(won + lost - (won - lost) ** 2 / n) / n
    found = bounded_difference([1.0] * 3 + [-1.0] * 7 + [0.0] * 40)
    assert (found.value, found.standard_error) == (close((won - lost) / n), close(error))


def test_equal_pairs_prove_nothing_while_they_are_few():
    assert worse_by(bounded_difference([0.0] * 10), 0.05) > 0.05
    assert worse_by(bounded_difference([0.0] * 40), 0.05) < 0.05


def test_what_is_worse_shows_as_worse():
    assert not_worse(bounded_difference([-0.3] * 40)) < 0.001
    assert not_worse(bounded_difference([0.3] * 40)) > 0.999


@pytest.mark.parametrize("p_values", [[], [0.2], [0.01, 0.04, 0.03, 0.9], [0.5, 0.6, 0.7], [0.001] * 4])
def test_holms_adjustment_is_statsmodels(p_values):
    theirs = multipletests(p_values, method="holm")[1].tolist() if p_values else []
    assert holm(p_values) == close(theirs)


def test_the_sample_ratio_test_is_scipys():
    theirs = stats.chisquare([510, 250, 270], [515, 257.5, 257.5]).pvalue
    assert sample_ratio([510, 250, 270], [2, 1, 1]) == close(theirs)


def test_a_split_of_52_to_48_alarms_at_20_000_units_and_an_even_one_does_not():
    assert sample_ratio([10_400, 9_600], [50, 50]) < ALARM
    assert sample_ratio([10_060, 9_940], [50, 50]) > ALARM
    assert sample_ratio([0, 0], [50, 50]) == 1


def test_kappa_is_statsmodels():
    one, other = [str(n % 3) for n in range(40)], [str(n % 3 if n % 5 else 0) for n in range(40)]
    table = to_table(np.array([one, other]).T.astype(int))[0]
    assert kappa(one, other) == close(cohens_kappa(table, return_results=False))


def test_judges_who_always_say_the_same_agree():
    assert kappa(["yes"] * 3, ["yes"] * 3) == 1


def test_welchs_test_is_scipys():
    theirs = stats.ttest_ind(OTHER, SKEWED, equal_var=False)
    found = welch(Moments.of(SKEWED), Moments.of(OTHER))
    low, high = theirs.confidence_interval(0.95)
    interval = found.interval()
    assert (found.p, found.degrees) == (close(theirs.pvalue, within=1e-8), close(theirs.df))
    assert (interval.low, interval.high) == (close(low, within=1e-7), close(high, within=1e-7))


@pytest.mark.parametrize(("low", "high"), [(0.8, 0.85), (0.8, 0.9), (0.5, 0.55), (0.02, 0.03)])
def test_enough_units_for_rates_reach_the_power_that_statsmodels_computes(low, high):
    units = units_for_rates(low, high)
    theirs = power_proportions_2indep(high - low, low, units, ratio=1, alpha=0.05, return_results=False)
    assert theirs == pytest.approx(0.8, abs=0.002)
    assert power_for_rates(low, high, units=units) == pytest.approx(theirs, abs=1e-3)


def test_enough_units_for_means_are_statsmodels():
    theirs = NormalIndPower().solve_power(effect_size=0.2, alpha=0.05, power=0.9, ratio=1)
    assert units_for_means(2.0, 10.0, power=0.9) == math.ceil(theirs)


def test_a_ratio_of_units_with_one_call_each_is_their_mean():
    found = ratio(SKEWED, [1.0] * len(SKEWED))
    assert found.value == close(np.mean(SKEWED))
    assert found.standard_error == close(stats.sem(SKEWED))


def test_the_delta_method_agrees_with_resampling_whole_units():
    calls = RANDOM.integers(1, 20, size=400)
    costs = calls * RANDOM.lognormal(size=400)
    drawn = RANDOM.integers(0, 400, (4000, 400))
    resampled = (costs[drawn].sum(axis=1) / calls[drawn].sum(axis=1)).std()
    found = ratio(costs.tolist(), calls.tolist())
    assert found.standard_error == pytest.approx(resampled, rel=0.1)


def test_lift_is_relative_to_the_baseline():
    lift = relative_lift(Estimate(value=2.0, standard_error=0.0), Estimate(value=2.5, standard_error=0.1))
    assert (lift.value, lift.standard_error) == (close(0.25), close(0.05))


@pytest.mark.parametrize(("share", "width"), [(1, 1.55), (1 / 5, 1.72), (1 / 10, 1.97), (10, 1.65)])
def test_looking_always_costs_a_known_width(share, width):
    one_look = Estimate(value=0.0, standard_error=1.0)
    always = confidence_sequence(one_look, units=round(5000 * share), planned=5000)
    assert always.high / one_look.interval().high == pytest.approx(width, abs=0.01)


def placed(values, others):
    below = [np.mean([(other < value) + (other == value) / 2 for other in others]) for value in values]
    return Moments.of([float(share) for share in below])


@pytest.mark.parametrize(
    ("first", "second"),
    [(SKEWED, OTHER), ([0.0, 1.0, 1.0, 0.5, 1.0], [0.0, 0.0, 1.0, 0.5])],
    ids=["no ties", "many ties"],
)
def test_superiority_is_mann_whitneys_u_over_both_sizes_with_brunners_and_munzels_error(first, second):
    found = superiority(placed(first, second), placed(second, first))
    u = stats.mannwhitneyu(first, second).statistic
    assert found.value == close(u / len(first) / len(second))
    theirs = stats.brunnermunzel(second, first).statistic
    assert (found.value - 0.5) / found.standard_error == close(theirs)
