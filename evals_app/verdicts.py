"""Is a version better than its baseline, worse, not worse, or can nobody tell? A word and a sentence."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from evals_app.datasets import MEASURED
from evals_app.statistics.distributions import normal_quantile
from evals_app.statistics.intervals import Estimate
from evals_app.statistics.paired import worse_by

Verdict = Literal["better", "worse", "not worse", "inconclusive"]
ALPHA = 0.05
MOST_FAILED = 0.05
"""The share of failed answers above which nothing good is said of a version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goals:
    """What was laid down before the run."""

    primary: str
    margin: float
    guardrails: Mapping[str, float]

    @property
    def evaluators(self) -> list[str]:
        """The evaluators that a verdict needs."""
        return [name for name in (self.primary, *self.guardrails) if name not in MEASURED]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Candidate less baseline; for a `relative` one, as a share of the baseline, and more is worse."""

    name: str
    baseline: float
    candidate: float
    value: float
    low: float
    high: float
    """The 95 % interval."""
    standard_error: float
    guardrail: bool
    margin: float
    harm_p: float
    """Small means: worse by more than the margin. Adjusted (Holm) for the guardrails."""
    relative: bool = False

    def adjusted(self, p: float) -> "Difference":
        return replace(self, harm_p=p)

    def __str__(self) -> str:
        if self.relative:
            return f"{self.value:+.0%} (95 % interval {self.low:+.0%} to {self.high:+.0%})"
        return f"{self.value:+.3f} (95 % interval {self.low:+.3f} to {self.high:+.3f})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    cases: int
    """Answered by both."""
    differences: Sequence[Difference]
    critical: Sequence[str]
    """Critical cases that pass under the baseline and fail under the candidate."""
    failed: float
    """The larger of the two shares of failed answers."""


def decide(evidence: Evidence, goals: Goals) -> tuple[Verdict, str]:
    """Harm is looked for first: no gain makes up for it."""
    if not evidence.cases:
        return "inconclusive", "No case was answered under both versions."
    primary = next(d for d in evidence.differences if d.name == goals.primary)
    over = f"{primary.name} {primary}, over {evidence.cases} cases"
    if harm := _harm(evidence, primary, goals):
        return "worse", harm
    if evidence.failed > MOST_FAILED:
        return "inconclusive", f"{evidence.failed:.0%} of the answers are errors: mend these first."
    if unknown := set(goals.guardrails) - {d.name for d in evidence.differences}:
        return (
            "inconclusive",
            f"The guardrail {', '.join(sorted(unknown))} cannot be compared: it is not known.",
        )
    if primary.low > 0:
        return "better", f"Better: {over}."
    if _kept(primary, goals.margin):
        return "not worse", f"Not worse by {goals.margin:g} or more: {over}."
    return "inconclusive", f"Cannot tell: {over}. {_needed(primary, goals.margin, evidence.cases)}"


def _harm(evidence: Evidence, primary: Difference, goals: Goals) -> str | None:
    if evidence.critical:
        first, *more = evidence.critical
        if more:
            return f"Critical cases pass under the baseline and fail here: {first} and {len(more)} more."
        return f"The critical case {first} passes under the baseline and fails here."
    for difference in evidence.differences:
        if difference.guardrail and difference.harm_p < ALPHA:
            allowed = f"{difference.margin:.0%}" if difference.relative else f"{difference.margin:g}"
            return f"The guardrail {difference.name} is broken: {difference}, where {allowed} was allowed."
    if primary.high < 0 and not _kept(primary, goals.margin):
        return f"Worse: {primary.name} {primary}, over {evidence.cases} cases."
    return None


def _kept(primary: Difference, margin: float) -> bool:
    """That the version is worse by `margin` or more can be ruled out."""
    middle = Estimate(value=(primary.low + primary.high) / 2, standard_error=primary.standard_error)
    return worse_by(middle, margin) <= ALPHA


def _needed(primary: Difference, margin: float, cases: int) -> str:
    """How many cases would settle it, if the difference stays what it seems."""
    distance = primary.value + margin
    if distance <= 0:
        return "It looks worse: more cases would tell."
    needed = cases * (normal_quantile(1 - ALPHA) * primary.standard_error / distance) ** 2
    return f"About {max(math.ceil(needed), cases + 1)} cases would tell."
