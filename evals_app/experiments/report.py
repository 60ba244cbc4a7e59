"""What one look at an experiment found, as values."""

from dataclasses import dataclass
from datetime import datetime

from evals_app.experiments.duels import Duel
from evals_app.experiments.effects import Effect
from evals_app.experiments.health import Health
from evals_app.statistics.intervals import Interval
from evals_app.verdicts import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A mean over units, or a percentile over their calls, with its 95 % interval."""

    name: str
    units: int
    value: float
    interval: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmReport:
    version: str
    share: int
    """Percent, as planned."""
    units: int
    calls: int
    errors: int
    hits: int
    tokens: int
    cost_usd: float
    figures: tuple[Figure, ...]
    """One for each measure, then the percentiles of the latency."""

    def figure(self, name: str) -> Figure | None:
        return next((figure for figure in self.figures if figure.name == name), None)

    @property
    def hit_share(self) -> float:
        return self.hits / self.calls if self.calls else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """How the units' scores under one name are spread."""

    measure: str
    low: float
    high: float
    counts: dict[str, list[int]]
    """Arm -> units in each tenth from `low` to `high`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One challenger against the champion."""

    version: str
    verdict: Verdict
    reason: str
    """In one sentence."""
    next: str
    """What happens now, or what to do."""
    effects: tuple[Effect, ...]
    """The primary's first, then the guardrails'. What is not known yet is not there."""
    unknown: tuple[str, ...]
    """Measures without data."""

    def effect(self, name: str) -> Effect | None:
        return next((found for found in self.effects if found.measure == name), None)

    @property
    def broken(self) -> list[Effect]:
        """Guardrails, in the order of their proofs' strength."""
        guards = [found for found in self.effects if found.guardrail]
        return sorted(guards, key=lambda found: found.harm_p)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentReport:
    at: datetime
    phase: int
    health: Health
    arms: tuple[ArmReport, ...]
    """The champion first."""
    comparisons: tuple[Comparison, ...]
    scores: tuple[Scores, ...] = ()
    duels: tuple[Duel, ...] = ()
    """Each arm against each other one in the primary measure; both ways round."""

    @property
    def units(self) -> int:
        return sum(arm.units for arm in self.arms)

    def arm(self, version: str) -> ArmReport:
        return next(arm for arm in self.arms if arm.version == version)
