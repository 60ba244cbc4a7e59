"""What a run's report says, as values."""

from dataclasses import dataclass

from evals_app.verdicts import Difference, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """Of one version, with its 95 % interval."""

    name: str
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """The cases with one tag. Many slices are looked at: what one of them shows is a hint, and no proof."""

    tag: str
    cases: int
    passed: Measure


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionReport:
    version: str
    cases: int
    answers: int
    failed: int
    measures: tuple[Measure, ...]
    """From 0 to 1: passed, score, then each evaluator."""
    slices: tuple[Slice, ...]
    """By tag, the most frequent first."""
    latency: tuple[Measure, ...]
    """Seconds: median and 95th percentile."""
    cost: Measure | None
    """USD for one answer; None where a price is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One version against the baseline, over the cases that both have answered."""

    version: str
    verdict: Verdict
    reason: str
    cases: int
    wins: int
    losses: int
    ties: int
    """By the primary, case by case."""
    flip_rate: float | None
    """Of the judged pairs, the share in which the judge preferred a place; None where none was judged."""
    mcnemar_p: float
    """Of "both pass equally often"."""
    differences: tuple[Difference, ...]
    regressions: tuple[str, ...]
    """Cases that pass under the baseline and fail here."""
    improvements: tuple[str, ...]
    critical: tuple[str, ...]
    """The critical ones of the regressions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    baseline: str
    primary: str
    margin: float
    repeats: int
    versions: tuple[VersionReport, ...]
    comparisons: tuple[Comparison, ...]
    wins: tuple[tuple[int, ...], ...]
    """For each of `versions`, in how many cases it beats each of them by the primary."""
