"""How many units does a plan need, and when will they have come?"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from evals_app.experiments.measures import Measure
from evals_app.experiments.observations import Spread
from evals_app.experiments.plans import ExperimentPlan
from evals_app.statistics.power import sequential_units
from evals_app.statistics.sequences import PLANNED

POWER = 0.8
WORST = 0.5
"""The largest deviation that values from 0 to 1 can have."""
FEWEST_SEEN = 30
"""Units whose spread is believed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What the prompt's calls of late were like."""

    units: int
    days: float
    spread: Spread | None
    """Of the primary measure."""

    @property
    def a_day(self) -> float:
        return self.units / self.days if self.days else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    units_a_day: float
    mean: float | None
    """Of the primary, as it is now."""
    deviation: float | None
    assumed: bool
    """The deviation is the worst there can be, because nobody knows a better one."""
    planned: int
    """Units with the measure, of champion and smallest challenger together."""
    arms: dict[str, int]
    """Units that each arm needs until then; empty where nothing is known."""
    days: float | None
    """None: nobody can tell."""

    def end(self, start: datetime) -> datetime | None:
        return None if self.days is None else start + timedelta(days=min(self.days, 3650))


def forecast(plan: ExperimentPlan, traffic: Traffic) -> Forecast:
    spread = traffic.spread if traffic.spread and traffic.spread.moments.n >= FEWEST_SEEN else None
    mean = spread.moments.mean if spread else None
    deviation, assumed = _deviation(plan, spread)
    effect = plan.mde * (mean or 0.0) if Measure(plan.primary).relative else plan.mde
    if deviation is None or not effect:
        return _unknown(plan, traffic, mean)
    least = min(plan.weights[label] for label in plan.challengers)
    shares = (plan.weights[plan.champion] / 100, least / 100)
    alpha = plan.alpha / len(plan.challengers)
    pair = max(2, sequential_units(effect, deviation, shares=shares, alpha=alpha, power=POWER))
    # Only a part of the units gives the feedback, say; the others are needed to get those.
    telling = spread.moments.n / traffic.units if spread and traffic.units else 1.0
    whole = pair / sum(shares) / telling
    a_day = traffic.a_day
    return Forecast(
        units_a_day=a_day,
        mean=mean,
        deviation=deviation,
        assumed=assumed,
        planned=pair,
        arms={label: round(whole * share / 100) for label, share in plan.weights.items()},
        days=max(whole / a_day, plan.min_days) if a_day else None,
    )


def _deviation(plan: ExperimentPlan, spread: Spread | None) -> tuple[float | None, bool]:
    if spread and spread.moments.variance:
        return spread.moments.variance**0.5, False
    if Measure(plan.primary).relative:
        return None, False
    return WORST, True


def _unknown(plan: ExperimentPlan, traffic: Traffic, mean: float | None) -> Forecast:
    return Forecast(
        units_a_day=traffic.a_day,
        mean=mean,
        deviation=None,
        assumed=False,
        planned=PLANNED,
        arms={},
        days=None,
    )
