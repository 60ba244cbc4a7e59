"""How do versions differ from their baseline, case by case?"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

from evals_app.datasets import MEASURED, PASSED, SCORE
from evals_app.description import SEED, describe
from evals_app.report import Comparison, RunReport
from evals_app.results import Cases, Result, by_case, names, passes
from evals_app.statistics.intervals import Estimate
from evals_app.statistics.multiplicity import holm
from evals_app.statistics.paired import bounded_difference, mcnemar, not_worse
from evals_app.verdicts import Difference, Evidence, Goals, decide

EQUAL = 1e-9
"""Less than that between two scores is rounding."""


def compare(results: Sequence[Result], *, versions: Sequence[str], goals: Goals, repeats: int) -> RunReport:
    """The first of `versions` is the baseline. A version without results has no report."""
    by_version: dict[str, dict[str, list[Result]]] = {version: defaultdict(list) for version in versions}
    for result in results:
        by_version[result.version][result.case].append(result)
    baseline, *others = versions
    answered = [by_version[label] for label in versions if by_version[label]]
    return RunReport(
        baseline=baseline,
        primary=goals.primary,
        margin=goals.margin,
        repeats=repeats,
        versions=tuple(describe(label, cases, repeats) for label, cases in by_version.items() if cases),
        comparisons=tuple(
            _compare(label, by_version[baseline], by_version[label], goals) for label in others
        ),
        wins=tuple(tuple(_wins(cases, other, goals.primary) for other in answered) for cases in answered),
    )


def distrusted(report: RunReport, changed: Sequence[str]) -> RunReport:
    """The same without verdicts on versions that were `changed` while they were asked."""
    reason = f"{', '.join(changed)} changed while the run asked: its answers are of different texts."
    comparisons = tuple(
        replace(found, verdict="inconclusive", reason=reason)
        if {found.version, report.baseline} & set(changed)
        else found
        for found in report.comparisons
    )
    return replace(report, comparisons=comparisons)


def _compare(version: str, baseline: Cases, candidate: Cases, goals: Goals) -> Comparison:
    keys = [key for key in baseline if key in candidate]
    before, after = ({key: cases[key] for key in keys} for cases in (baseline, candidate))
    passed, passes_now = ([passes(results) for results in cases.values()] for cases in (before, after))
    outcomes = list(zip(keys, passed, passes_now, strict=True))
    regressions = tuple(key for key, was, now in outcomes if was and not now)
    critical = tuple(key for key in regressions if after[key][0].critical)
    differences = _differences(before, after, goals)
    verdict, reason = decide(
        Evidence(
            cases=len(keys),
            differences=differences,
            critical=critical,
            failed=max(_failed(before), _failed(after)),
        ),
        goals,
    )
    changes = _changes(before, after, goals.primary)
    flips = [flip for results in after.values() for result in results for flip in result.flips]
    return Comparison(
        version=version,
        verdict=verdict,
        reason=reason,
        cases=len(keys),
        wins=changes.count(1),
        losses=changes.count(-1),
        ties=changes.count(0),
        flip_rate=fmean(flips) if flips else None,
        mcnemar_p=mcnemar(passed, passes_now),
        differences=differences,
        regressions=regressions,
        improvements=tuple(key for key, was, now in outcomes if now and not was),
        critical=critical,
    )


def _failed(cases: Cases) -> float:
    """The share of answers without a verdict."""
    failures = [result.failed for results in cases.values() for result in results]
    return fmean(failures) if failures else 0.0


def _differences(baseline: Cases, candidate: Cases, goals: Goals) -> tuple[Difference, ...]:
    """Each with the p value of "within its margin"; those of guardrails are adjusted for being several."""
    if not baseline:
        return ()
    # An evaluator that never came to a word is compared, too: nothing is known for it, and that counts.
    every = dict.fromkeys([PASSED, SCORE, *names(baseline), *names(candidate), *goals.evaluators])
    found = [_difference(name, baseline, candidate, goals) for name in every]
    found += [d for name in MEASURED if (d := _relative(name, baseline, candidate, goals))]
    guards = [d.harm_p for d in found if d.guardrail]
    adjusted = iter(holm(guards))
    return tuple(d.adjusted(next(adjusted)) if d.guardrail else d for d in found)


def _difference(name: str, baseline: Cases, candidate: Cases, goals: Goals) -> Difference:
    before, after = by_case(baseline, name), by_case(candidate, name)
    estimate = bounded_difference([after.get(key, 0.0) - value for key, value in before.items()])
    interval = estimate.interval()
    margin = goals.guardrails.get(name, 0.0)
    return Difference(
        name=name,
        baseline=fmean(before.values()),
        candidate=fmean(after.values()),
        value=fmean(after.values()) - fmean(before.values()),
        low=interval.low,
        high=interval.high,
        standard_error=estimate.standard_error,
        guardrail=name in goals.guardrails,
        margin=margin,
        harm_p=not_worse(Estimate(value=estimate.value + margin, standard_error=estimate.standard_error)),
    )


def _relative(name: str, baseline: Cases, candidate: Cases, goals: Goals) -> Difference | None:
    """Of a cost or a time, as a share of the baseline's mean: more is worse. None where it is not known."""
    from evals_app.statistics.bootstrap import paired_bootstrap  # numpy, which no start waits for

    before, after = by_case(baseline, name), by_case(candidate, name)
    keys = [key for key in before if key in after]
    usual = fmean(before[key] for key in keys) if keys else 0.0
    if len(keys) < 2 or not usual:
        return None
    one, other = [before[key] / usual for key in keys], [after[key] / usual for key in keys]
    interval = paired_bootstrap(one, other, seed=SEED)
    value, margin = fmean(other) - 1, goals.guardrails.get(name, 0.0)
    error = (interval.high - interval.low) / (2 * 1.96)
    return Difference(
        name=name,
        baseline=usual,
        candidate=usual * (1 + value),
        value=value,
        low=interval.low,
        high=interval.high,
        standard_error=error,
        guardrail=name in goals.guardrails,
        margin=margin,
        harm_p=not_worse(Estimate(value=margin - value, standard_error=error)),
        relative=True,
    )


def _wins(cases: Cases, other: Cases, name: str) -> int:
    both = [key for key in other if key in cases]
    mine, theirs = ({key: side[key] for key in both} for side in (cases, other))
    return _changes(theirs, mine, name).count(1)


def _changes(baseline: Cases, candidate: Cases, name: str) -> list[int]:
    """For each case 1 where it fares better, -1 where worse, else 0."""
    before, after = by_case(baseline, name), by_case(candidate, name)
    changes = (after.get(key, 0.0) - before.get(key, 0.0) for key in baseline)
    return [(change > EQUAL) - (change < -EQUAL) for change in changes]
