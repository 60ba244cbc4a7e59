"""How an arm differs from the champion in one measure, whenever one looks."""

from dataclasses import dataclass, replace
from typing import Any

from evals_app.experiments.measures import Measure
from evals_app.experiments.observations import Spread
from evals_app.statistics.intervals import Estimate, Interval
from evals_app.statistics.multiplicity import holm
from evals_app.statistics.ratios import relative_lift
from evals_app.statistics.sequences import confidence_sequence, exceeds_p
from evals_app.statistics.two_samples import Moments, difference


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How one measure is to be judged; laid down by the plan."""

    measure: str
    better: int
    """1: more is better; -1: less."""
    margin: float
    alpha: float
    planned: int
    """Units in both arms together at which the intervals are narrowest."""
    guardrail: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """A challenger less the champion, in the measure's unit, or as a share of the champion's mean."""

    measure: str
    better: int
    margin: float
    guardrail: bool
    champion: float
    challenger: float
    """The two means."""
    units: tuple[int, int]
    """That have the measure, of champion and challenger."""
    value: float
    low: float
    high: float
    """The confidence sequence."""
    lift: Interval | None
    """The change as a share of the champion's mean, as a confidence sequence; None where that is no share."""
    harm_p: float
    """Small means: worse by more than the margin. Adjusted (Holm) for the guardrails."""
    kept_p: float
    """Small means: it is not worse by the margin or more."""

    @property
    def gain(self) -> Interval:
        """The interval, turned so that above 0 is better."""
        if self.better > 0:
            return Interval(self.low, self.high)
        return Interval(-self.high, -self.low)

    @property
    def change(self) -> str:
        measure = Measure(self.measure)
        low, high = (measure.tell_bare(edge) for edge in (self.low, self.high))
        return f"{measure.tell_change(self.value)} ({low} to {high})"


def effect(rule: Rule, champion: Spread, challenger: Spread) -> Effect:
    """From the two arms' units; a share of units is kept from ever being certain at 0 or 1."""
    measure = Measure(rule.measure)
    share = not measure.relative and champion.is_share and challenger.is_share
    base, other = (seen.moments.padded() if share else seen.moments for seen in (champion, challenger))
    relative = measure.relative and base.mean > 0
    lift = _lift(base, other, rule) if champion.low >= 0 and base.mean > 0 else None
    plain = confidence_sequence(difference(base, other), **_looks(rule, base, other))
    shown = lift if relative and lift else plain
    return Effect(
        measure=rule.measure,
        better=rule.better,
        margin=rule.margin,
        guardrail=rule.guardrail,
        champion=champion.moments.mean,
        challenger=challenger.moments.mean,
        units=(champion.moments.n, challenger.moments.n),
        value=_value(champion.moments.mean, challenger.moments.mean, relative=relative),
        low=shown.low,
        high=shown.high,
        lift=lift,
        harm_p=_p(rule, base, other, relative=relative, harm=True),
        kept_p=_p(rule, base, other, relative=relative, harm=False),
    )


def adjusted(effects: list[Effect]) -> list[Effect]:
    """With the guardrails' p values of harm made good for being several (Holm)."""
    p_values = iter(holm([found.harm_p for found in effects if found.guardrail]))
    return [replace(found, harm_p=next(p_values)) if found.guardrail else found for found in effects]


def _p(rule: Rule, base: Moments, other: Moments, *, relative: bool, harm: bool) -> float:
    """Of "not worse by more than the margin", or of "worse by the margin or more"."""
    sign = rule.better
    # "More than a share above the champion" is a plain difference: from so many times its mean.
    times = 1 - sign * rule.margin if relative else 1.0
    gap = difference(base, other, times=times)
    beyond = sign * gap.value + (0.0 if relative else rule.margin)
    distance = Estimate(value=-beyond if harm else beyond, standard_error=gap.standard_error)
    return exceeds_p(distance, **_looks(rule, base, other))


def _lift(base: Moments, other: Moments, rule: Rule) -> Interval:
    found = confidence_sequence(relative_lift(base.estimate, other.estimate), **_looks(rule, base, other))
    # What is never below 0 cannot fall by more than all of it.
    return Interval(max(-1.0, found.low), max(-1.0, found.high))


def _looks(rule: Rule, base: Moments, other: Moments) -> dict[str, Any]:
    return {"units": base.n + other.n, "alpha": rule.alpha, "planned": rule.planned}


def _value(champion: float, challenger: float, *, relative: bool) -> float:
    return challenger / champion - 1 if relative else challenger - champion
