"""How many units does it take to see an effect?"""

import math

from evals_app.statistics.distributions import normal_quantile, normal_tail
from evals_app.statistics.sequences import reach


def units_for_rates(baseline: float, candidate: float, *, alpha: float = 0.05, power: float = 0.8) -> int:
    """Units in each of two arms to tell the rates apart, two-sided. Raises `ValueError` for equal ones."""
    effect = abs(candidate - baseline)
    if not effect:
        raise ValueError("no number of units tells equal rates apart")
    under_null, under_effect = _deviations(baseline, candidate)
    reach = normal_quantile(1 - alpha / 2) * under_null + normal_quantile(power) * under_effect
    return math.ceil((reach / effect) ** 2)


def units_for_means(effect: float, deviation: float, *, alpha: float = 0.05, power: float = 0.8) -> int:
    """Units in each of two arms to see `effect`, in the unit of `deviation`, two-sided."""
    if not effect:
        raise ValueError("no number of units shows an effect of nothing")
    reach = normal_quantile(1 - alpha / 2) + normal_quantile(power)
    return math.ceil(2 * (reach * deviation / effect) ** 2)


def power_for_rates(baseline: float, candidate: float, *, units: int, alpha: float = 0.05) -> float:
    """The chance that `units` in each arm tell the two rates apart."""
    under_null, under_effect = _deviations(baseline, candidate)
    reach = abs(candidate - baseline) * math.sqrt(units)
    return normal_tail((normal_quantile(1 - alpha / 2) * under_null - reach) / under_effect)


def sequential_units(
    effect: float, deviation: float, *, shares: tuple[float, float], alpha: float = 0.05, power: float = 0.8
) -> int:
    """Units in two arms together, divided by `shares`, until a confidence sequence planned for that number
    shows `effect`; `deviation` is one unit's. Looking earlier can only add to `power`.

    Raises `ValueError` for an effect of nothing.
    """
    if not effect:
        raise ValueError("no number of units shows an effect of nothing")
    distance = reach(units=1, alpha=alpha, planned=1) + normal_quantile(power)
    whole = sum(shares)
    variance = deviation**2 * sum(whole / share for share in shares)
    return math.ceil(distance**2 * variance / effect**2)


def _deviations(baseline: float, candidate: float) -> tuple[float, float]:
    """Of the difference for one unit an arm: if both had the pooled rate, and as they are."""
    pooled = (baseline + candidate) / 2
    apart = baseline * (1 - baseline) + candidate * (1 - candidate)
    return math.sqrt(2 * pooled * (1 - pooled)), math.sqrt(apart)
