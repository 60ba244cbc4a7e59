"""The next step of a guarded rollout: further, back, or wait. Any doubt is a reason to wait."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from evals_app.experiments.effects import Effect
from evals_app.experiments.health import Health
from evals_app.experiments.judgement import broken
from evals_app.experiments.plans import RolloutPlan

Step = Literal["further", "back", "wait"]
FEWEST_PLANNED = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What is known of the step that is on."""

    step: int
    held: timedelta
    units: Mapping[str, int]
    """Of champion and candidate."""
    health: Health
    effects: Sequence[Effect]
    unknown: Sequence[str]
    """Guardrails without data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    to: Step
    why: str


def next_move(plan: RolloutPlan, now: Situation) -> Move:
    """Harm first: it counts even where the split is in doubt, for the champion is always safe."""
    if harm := broken(now.effects, alpha=step_alpha(plan)):
        return Move(to="back", why=harm)
    if not now.health.good:
        return Move(to="wait", why=f"The numbers cannot be trusted: {now.health.problems[0]}")
    rarest = min(now.units, key=lambda version: now.units[version])
    if now.units[rarest] < max(1, plan.hold_units):
        return Move(
            to="wait", why=f"{now.units[rarest]:,} of {plan.hold_units:,} units of {rarest} are here."
        )
    if now.held < plan.hold:
        left = plan.hold - now.held
        return Move(to="wait", why=f"No harm is seen; {_told(left)} of this step are left.")
    if now.unknown:
        return Move(to="wait", why=f"The guardrail {', '.join(now.unknown)} has no data.")
    units = sum(now.units.values())
    return Move(
        to="further", why=f"No guardrail is broken at {plan.watched[now.step]} %, over {units:,} units."
    )


def step_alpha(plan: RolloutPlan) -> float:
    """All watched steps together roll a harmless candidate back no more often than the plan's alpha."""
    return plan.alpha / len(plan.watched)


def planned_units(plan: RolloutPlan, step: int) -> int:
    """Of both arms together, where the intervals of that step are narrowest."""
    smaller = min(plan.weights_at(step).values())
    return max(FEWEST_PLANNED, round(plan.hold_units * 100 / smaller))


def _told(left: timedelta) -> str:
    hours = left.total_seconds() / 3600
    return f"{hours:.1f} hours" if hours >= 1 else f"{max(1, round(hours * 60))} minutes"
