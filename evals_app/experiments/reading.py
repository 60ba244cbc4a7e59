"""From what was seen of the arms to the report: pure, so that it can be proved on made-up experiments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from evals_app.experiments.effects import Effect, Rule, adjusted, effect
from evals_app.experiments.health import examine
from evals_app.experiments.judgement import Stand, judge
from evals_app.experiments.measures import Measure
from evals_app.experiments.observations import Observed, Seen, Spread
from evals_app.experiments.plans import ExperimentPlan, Plan, better, measures
from evals_app.experiments.report import ArmReport, Comparison, ExperimentReport, Figure
from evals_app.statistics.intervals import Interval

PERCENTILES = {"latency p50": 50, "latency p95": 95}
DESCRIBED = [Measure(name) for name in ("errors", "latency", "cost", "tokens")]
SEED = 1_234
RESAMPLES = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Looking:
    """When one looks, and what was settled before."""

    now: datetime
    since: datetime
    phase: int
    weights: Mapping[str, int]
    planned: int
    expected_end: datetime | None = None
    notes: tuple[str, ...] = ()


def wanted(plan: Plan) -> list[Measure]:
    """All that the report shows."""
    return list(dict.fromkeys([*measures(plan), *DESCRIBED]))


def rules(plan: Plan, *, planned: int, looks: int = 1) -> list[Rule]:
    """Several challengers, and the several steps of a rollout (`looks`), share the plan's alpha."""
    alpha = plan.alpha / len(plan.challengers) / looks
    guards = [
        Rule(
            measure=guardrail.measure,
            better=better(Measure(guardrail.measure), guardrail.direction),
            margin=guardrail.margin,
            alpha=alpha,
            planned=planned,
            guardrail=True,
        )
        for guardrail in plan.guardrails
    ]
    if not isinstance(plan, ExperimentPlan):
        return guards
    sign = better(Measure(plan.primary), plan.direction)
    primary = Rule(measure=plan.primary, better=sign, margin=plan.mde, alpha=alpha, planned=planned)
    return [primary, *guards]


def read(
    plan: ExperimentPlan,
    observed: Observed,
    looking: Looking,
    latencies: Mapping[str, Sequence[Sequence[float]]] | None = None,
) -> ExperimentReport:
    health = examine(observed, looking.weights, notes=looking.notes)
    comparisons = []
    for version in plan.challengers:
        effects, unknown = compare(rules(plan, planned=looking.planned), observed, plan.champion, version)
        found = judge(_stand(plan, version, looking), health, effects, unknown=unknown)
        comparisons.append(
            Comparison(
                version=version,
                verdict=found.verdict,
                reason=found.reason,
                next=found.next,
                effects=tuple(effects),
                unknown=tuple(unknown),
            )
        )
    return ExperimentReport(
        at=looking.now,
        phase=looking.phase,
        health=health,
        arms=describe(plan, observed, looking.weights, latencies or {}),
        comparisons=tuple(comparisons),
    )


def compare(
    asked: Sequence[Rule], observed: Observed, champion: str, challenger: str
) -> tuple[list[Effect], list[str]]:
    """The effects, and the guardrails that nothing is known of."""
    base, other = observed.arms[champion].spreads, observed.arms[challenger].spreads
    known = [rule for rule in asked if rule.measure in base and rule.measure in other]
    effects = [effect(rule, base[rule.measure], other[rule.measure]) for rule in known]
    unknown = [rule.measure for rule in asked if rule.guardrail and rule not in known]
    return adjusted(effects), unknown


def describe(
    plan: Plan,
    observed: Observed,
    weights: Mapping[str, int],
    latencies: Mapping[str, Sequence[Sequence[float]]],
) -> tuple[ArmReport, ...]:
    """Each arm by itself, the champion first."""
    labels = [plan.champion, *plan.challengers]
    return tuple(
        _arm(label, observed.arms[label], weights.get(label, 0), latencies.get(label, ())) for label in labels
    )


def _arm(label: str, seen: Seen, share: int, latencies: Sequence[Sequence[float]]) -> ArmReport:
    figures = [_figure(name, spread) for name, spread in seen.spreads.items()]
    if len(latencies) > 1:
        figures += [_percentile(name, latencies, percent) for name, percent in PERCENTILES.items()]
    return ArmReport(
        version=label,
        share=share,
        units=seen.units,
        calls=seen.calls,
        errors=seen.errors,
        hits=seen.hits,
        tokens=seen.tokens,
        cost_usd=seen.cost_usd,
        figures=tuple(figures),
    )


def _figure(name: str, spread: Spread) -> Figure:
    share = spread.is_share and not Measure(name).relative
    moments = spread.moments.padded() if share else spread.moments
    interval = moments.estimate.interval()
    if share:
        interval = Interval(max(0.0, interval.low), min(1.0, interval.high))
    return Figure(name=name, units=spread.moments.n, value=spread.moments.mean, interval=interval)


def _percentile(name: str, units: Sequence[Sequence[float]], percent: float) -> Figure:
    from evals_app.statistics.bootstrap import bootstrap_percentile  # numpy, which no start waits for

    every = sorted(value for unit in units for value in unit)
    interval = bootstrap_percentile(units, percent, seed=SEED, resamples=RESAMPLES)
    middle = every[min(len(every) - 1, int(len(every) * percent / 100))]
    return Figure(name=name, units=len(units), value=middle, interval=interval)


def _stand(plan: ExperimentPlan, challenger: str, looking: Looking) -> Stand:
    return Stand(
        challenger=challenger,
        champion=plan.champion,
        primary=plan.primary,
        alpha=plan.alpha / len(plan.challengers),
        now=looking.now,
        due=looking.since + plan.least,
        planned=looking.planned,
        expected_end=looking.expected_end,
    )
