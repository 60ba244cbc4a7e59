"""A run's results, gathered by case: a case is one piece of evidence, however often it was asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from evals_app.datasets import PASSED, SCORE


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One answered question."""

    version: str
    case: str
    critical: bool
    score: float
    passed: bool
    values: Mapping[str, float]
    """By evaluator."""
    failed: bool
    """There was no answer, or an evaluator came to no verdict."""
    tags: tuple[str, ...] = ()
    flips: tuple[bool, ...] = ()
    """For each pair that was judged, whether the judge contradicted itself."""
    latency: float | None
    """Seconds."""
    cost: float | None
    """USD."""


Cases = Mapping[str, Sequence[Result]]
"""One version's results by case."""


def by_case(cases: Cases, name: str) -> dict[str, float]:
    """The mean of a case's repeats; without those where nothing was measured."""
    known = {key: [value_of(result, name) for result in results] for key, results in cases.items()}
    values = {key: [value for value in found if value is not None] for key, found in known.items()}
    return {key: fmean(found) for key, found in values.items() if found}


def value_of(result: Result, name: str) -> float | None:
    if name == "cost":
        return result.cost
    if name == "latency":
        return result.latency
    if name == PASSED:
        return float(result.passed)
    return result.score if name == SCORE else result.values.get(name, 0.0)


def names(cases: Cases) -> list[str]:
    return list(dict.fromkeys(name for results in cases.values() for r in results for name in r.values))


def passes(results: Sequence[Result]) -> bool:
    """In more than half of the repeats."""
    return 2 * sum(result.passed for result in results) > len(results)


def passes_every_time(results: Sequence[Result]) -> bool:
    return all(result.passed for result in results)


def passes_once(results: Sequence[Result]) -> bool:
    return any(result.passed for result in results)
