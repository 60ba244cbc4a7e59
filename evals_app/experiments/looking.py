"""One look at a running experiment: see what the ledger has, report, and let a rollout take its next step."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import msgspec
import structlog
from django.db import DatabaseError, transaction
from django.utils import timezone

from evals_app.exceptions import EvalError
from evals_app.experiments import services
from evals_app.experiments.health import examine
from evals_app.experiments.ledger import latencies, observe
from evals_app.experiments.observations import Observed, Window
from evals_app.experiments.plans import ExperimentPlan, Plan, RolloutPlan
from evals_app.experiments.reading import Looking, compare, describe, read, rules, wanted
from evals_app.experiments.report import Comparison, ExperimentReport
from evals_app.experiments.rollout import Move, Situation, Step, next_move
from evals_app.experiments.spreads import duels_of, scores_of
from evals_app.models import Experiment, Look
from evals_app.verdicts import Verdict
from prompts_app.changes import By
from prompts_app.exceptions import PromptError
from prompts_app.registry import registry

log = structlog.get_logger()

STEP_OF_AGE = 50
"""A look is kept when a fiftieth of the phase's age has passed since the last one: hundreds, never more."""
LEAST_STEP = timedelta(seconds=30)
VERDICTS: Mapping[Step, Verdict] = {"back": "worse", "further": "not worse", "wait": "inconclusive"}


def look_at_all() -> None:
    """Looks at everything that runs. What fails here is tried at the next look, and changes nothing."""
    for row in Experiment.objects.filter(state__in=Experiment.LIVE):
        try:
            look(row)
        except (DatabaseError, PromptError, EvalError) as exc:
            log.warning("experiment_look_failed", experiment=row.name, error=str(exc)[:300])


def look(row: Experiment) -> ExperimentReport:
    """Reports, keeps the report, and moves a running rollout. Raises `DatabaseError` or `EvalError`."""
    now = timezone.now()
    plan = row.written
    mine = _current_phase(row) == row.phase
    looking = _looking(row, now=now, notes=() if mine or not row.is_live else (_changed(row),))
    observed = observe(_window(row, plan), wanted(plan))
    if isinstance(plan, ExperimentPlan):
        found = read(plan, observed, looking, _latencies(row, plan, observed))
        window = _window(row, plan)
        scores, wins = scores_of(window, plan, observed), duels_of(window, plan, planned=looking.planned)
        found = replace(found, scores=tuple(scores), duels=tuple(wins))
        _keep(row, found)
        return found
    move, found = _watch(row, plan, observed, looking)
    _keep(row, found)
    if mine and row.state == Experiment.State.RUNNING:
        _take(row, move)
    return found


def kept_report(row: Experiment) -> ExperimentReport | None:
    """The last look's; None before the first, and for a report that an earlier release wrote."""
    if row.report is None:
        return None
    try:
        return msgspec.convert(row.report, ExperimentReport)
    except msgspec.ValidationError:
        return None


def _watch(
    row: Experiment, plan: RolloutPlan, observed: Observed, looking: Looking
) -> tuple[Move, ExperimentReport]:
    asked = rules(plan, planned=looking.planned, looks=len(plan.watched))
    effects, unknown = compare(asked, observed, plan.champion, plan.candidate)
    health = examine(observed, looking.weights, notes=looking.notes)
    now = Situation(
        step=row.step,
        held=looking.now - looking.since,
        units={arm: seen.units for arm, seen in observed.arms.items()},
        health=health,
        effects=effects,
        unknown=unknown,
    )
    move = next_move(plan, now)
    comparison = Comparison(
        version=plan.candidate,
        verdict=VERDICTS[move.to],
        reason=move.why,
        next=_what_next(row, plan, move),
        effects=tuple(effects),
        unknown=tuple(unknown),
    )
    return move, ExperimentReport(
        at=looking.now,
        phase=looking.phase,
        health=health,
        arms=describe(plan, observed, looking.weights, _latencies(row, plan, observed)),
        comparisons=(comparison,),
    )


def _take(row: Experiment, move: Move) -> None:
    by: By = {"actor": f"rollout {row}"[:150], "door": "schedule", "why": move.why}
    if move.to == "back":
        services.roll_back(row.name, **by)
    elif move.to == "further":
        services.advance(row.name, step=row.step, **by)
    else:
        return
    log.info("rollout_moved", rollout=row.name, to=move.to, why=move.why)


def _what_next(row: Experiment, plan: RolloutPlan, move: Move) -> str:
    if not row.is_live:
        return f"It is over: {row.stands}."
    if row.state == Experiment.State.PAUSED:
        return "It is paused: nothing moves until it is resumed."
    if move.to == "back":
        return f"{plan.champion} answers everybody again."
    share = (*plan.watched, 100)[row.step + 1]
    if move.to == "further":
        return f"{plan.candidate} gets {share} %."
    return f"{plan.candidate} gets {share} % when this step has held."


@transaction.atomic
def _keep(row: Experiment, found: ExperimentReport) -> None:
    plain: dict[str, Any] = msgspec.to_builtins(found)
    # A verb may have come between: what it wrote stays.
    Experiment.objects.filter(pk=row.pk, phase=found.phase).update(report=plain, looked_at=found.at)
    last = row.looks.filter(phase=found.phase).last()
    assert row.phase_since is not None
    step = max(LEAST_STEP, (found.at - row.phase_since) / STEP_OF_AGE)
    if row.is_live and found.health.good and (last is None or found.at - last.at >= step):
        Look.objects.create(
            experiment=row, at=found.at, phase=found.phase, units=found.units, effects=_points(found)
        )


def _points(found: ExperimentReport) -> dict[str, dict[str, list[float]]]:
    return {
        comparison.version: {
            effect.measure: [effect.value, effect.low, effect.high] for effect in comparison.effects
        }
        for comparison in found.comparisons
    }


def _window(row: Experiment, plan: Plan) -> Window:
    assert row.phase is not None
    assert row.phase_since is not None
    return Window(
        prompt=row.prompt,
        phase=row.phase,
        since=row.phase_since,
        arms=(plan.champion, *plan.challengers),
        sessions_only=plan.unit == "session",
    )


def _latencies(row: Experiment, plan: Plan, observed: Observed) -> dict[str, list[list[float]]]:
    return latencies(_window(row, plan), {arm: seen.units for arm, seen in observed.arms.items()})


def _looking(row: Experiment, *, now: datetime, notes: tuple[str, ...]) -> Looking:
    assert row.phase is not None
    assert row.phase_since is not None
    days = row.days
    return Looking(
        now=now,
        since=row.phase_since,
        phase=row.phase,
        weights=row.weights,
        planned=row.planned_units or 1,
        expected_end=row.phase_since + timedelta(days=min(days, 3650)) if days else None,
        notes=notes,
    )


def _current_phase(row: Experiment) -> int:
    registry.catch_up()
    return registry.prompt(row.prompt).phase


def _changed(row: Experiment) -> str:
    return (
        f"Somebody else has changed the traffic of {row.prompt} since: calls after that are of another phase "
        "and do not count here."
    )
