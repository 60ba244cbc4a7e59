"""How one version did."""

from collections import Counter
from collections.abc import Callable, Sequence
from statistics import fmean

from evals_app.datasets import PASSED, SCORE
from evals_app.report import Measure, Slice, VersionReport
from evals_app.results import Cases, Result, by_case, names, passes, passes_every_time, passes_once
from evals_app.statistics.intervals import Interval, wilson

SEED = 20240612
MOST_SLICES = 20
EVERY, ONCE = "passed every time", "passed at least once"


def describe(version: str, cases: Cases, repeats: int) -> VersionReport:
    answers = [result for results in cases.values() for result in results]
    times = [[r.latency for r in results if r.latency is not None] for results in cases.values()]
    times = [unit for unit in times if unit]
    costs = [[r.cost for r in results if r.cost is not None] for results in cases.values()]
    costs = [unit for unit in costs if unit]
    return VersionReport(
        version=version,
        cases=len(cases),
        answers=len(answers),
        failed=sum(result.failed for result in answers),
        measures=(
            _rate(PASSED, cases, passes),
            *(
                (_rate(EVERY, cases, passes_every_time), _rate(ONCE, cases, passes_once))
                if repeats > 1
                else ()
            ),
            *(_mean(name, list(by_case(cases, name).values())) for name in (SCORE, *names(cases))),
        ),
        slices=_slices(cases),
        latency=tuple(_percentile(name, times, percent) for name, percent in (("median", 50), ("p95", 95)))
        if times
        else (),
        cost=_mean("cost", [fmean(unit) for unit in costs]) if costs else None,
    )


def _slices(cases: Cases) -> tuple[Slice, ...]:
    tagged = Counter(tag for results in cases.values() for tag in results[0].tags)
    return tuple(
        Slice(tag=tag, cases=count, passed=_rate(PASSED, _with_tag(cases, tag), passes))
        for tag, count in tagged.most_common(MOST_SLICES)
    )


def _with_tag(cases: Cases, tag: str) -> Cases:
    return {key: results for key, results in cases.items() if tag in results[0].tags}


def _rate(name: str, cases: Cases, holds: Callable[[Sequence[Result]], bool]) -> Measure:
    passed = sum(holds(results) for results in cases.values())
    return _measure(name, passed / len(cases), wilson(passed, len(cases)))


def _mean(name: str, values: Sequence[float]) -> Measure:
    from evals_app.statistics.bootstrap import bootstrap_mean  # numpy, which no start waits for

    return _measure(name, fmean(values), bootstrap_mean(values, seed=SEED))


def _percentile(name: str, units: Sequence[Sequence[float]], percent: float) -> Measure:
    from evals_app.statistics.bootstrap import bootstrap_percentile  # numpy, which no start waits for

    ordered = sorted(value for unit in units for value in unit)
    value = ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]
    return _measure(name, value, bootstrap_percentile(units, percent, seed=SEED, resamples=400))


def _measure(name: str, value: float, interval: Interval) -> Measure:
    return Measure(name=name, value=value, low=interval.low, high=interval.high)
