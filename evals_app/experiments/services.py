"""The verbs of experiments and rollouts. Each is one transaction and leaves an `ExperimentEvent`; traffic is
changed through the registry's own verbs.

All raise `ExperimentNotFound`, and `ExperimentRefused` for what a rule forbids; nothing has changed then.
"""

from datetime import datetime, timedelta
from typing import Unpack

from django.db import IntegrityError, transaction
from django.utils.timezone import now

from evals_app.exceptions import ExperimentNotFound, ExperimentRefused
from evals_app.experiments import plans, traffic
from evals_app.experiments.forecast import Forecast, Traffic, forecast
from evals_app.experiments.ledger import traffic as traffic_of
from evals_app.experiments.measures import Measure
from evals_app.experiments.plans import ExperimentPlan, Plan, RolloutPlan
from evals_app.experiments.rollout import planned_units
from evals_app.models import Experiment, ExperimentEvent
from prompts_app.changes import By

State = Experiment.State
LOOK_BACK = timedelta(days=7)
"""So much of the past tells what traffic to expect."""


@transaction.atomic
def save_plan(plan: Plan, **by: Unpack[By]) -> Experiment:
    """Makes the experiment or replaces its plan, as long as it has not started."""
    plans.check(plan)
    row = Experiment.objects.select_for_update().filter(name=plan.name).first()
    if row is None:
        row = Experiment(name=plan.name, created_by=by["actor"])
    elif row.state != State.DRAFT:
        raise ExperimentRefused(f"{plan.name} has started: its plan is frozen; write another one")
    row.kind = Experiment.Kind.ROLLOUT if isinstance(plan, RolloutPlan) else Experiment.Kind.EXPERIMENT
    row.prompt, row.plan = plan.prompt, plans.plain(plan)
    row.save()
    return _noted(row, "plan", by)


@transaction.atomic
def delete_plan(name: str, **by: Unpack[By]) -> None:
    row = _lock(name)
    if row.state != State.DRAFT:
        raise ExperimentRefused(f"{name} has started and is kept")
    row.delete()


@transaction.atomic
def start(name: str, *, seen: int | None = None, **by: Unpack[By]) -> Experiment:
    """Freezes the plan and splits the traffic; from now on its calls count.

    `seen`: the newest event that the actor knows of; a plan that was written since is refused.
    """
    row = _lock(name)
    if row.state != State.DRAFT:
        raise ExperimentRefused(f"{name} has started already")
    if seen is not None and (since := row.events.filter(pk__gt=seen).first()):
        raise ExperimentRefused(f"{since.actor} has written another plan meanwhile")
    plan = row.written
    weights = row.weights
    row.phase = traffic.divide(row.prompt, weights, champion=plan.champion, by=_because(by, row, "start"))
    _check_alone(row)
    if isinstance(plan, ExperimentPlan):
        expected = expectation(plan)
        row.planned_units, row.days = expected.planned, expected.days
        row.units_a_day = expected.units_a_day
    else:
        row.planned_units = planned_units(plan, 0)
    row.state, row.started_at = State.RUNNING, now()
    row.phase_since = row.started_at
    try:
        row.save()
    except IntegrityError as exc:
        raise ExperimentRefused(f"something else runs on {row.prompt}: conclude it first") from exc
    return _noted(row, "start", by)


def stop(name: str, **by: Unpack[By]) -> Experiment:
    """Ends it without a conclusion: the champion answers everybody, and the report stays.

    What somebody else has made of the traffic since is left as it is.
    """
    return _end(name, "stop", State.STOPPED, by=by)


def keep_champion(name: str, **by: Unpack[By]) -> Experiment:
    """Concludes it: the champion stays, for everybody."""
    return _end(name, "keep", State.KEPT, by=by)


def roll_back(name: str, **by: Unpack[By]) -> Experiment:
    """Ends a rollout because something became worse: the champion answers everybody."""
    return _end(name, "roll back", State.BACK, by=by)


@transaction.atomic
def ship(name: str, version: str, **by: Unpack[By]) -> Experiment:
    """Concludes it: that challenger answers everybody from now on."""
    row = _lock(name)
    if row.state not in (*Experiment.LIVE, State.STOPPED):
        raise ExperimentRefused(f"{name} is {row.stands}: nothing is shipped from there")
    if version not in row.written.challengers:
        raise ExperimentRefused(f"{version} is no challenger of {name}")
    traffic.give_all(row.prompt, version, by=_because(by, row, f"{version} won"))
    _check_alone(row)
    return _ended(row, "ship", State.SHIPPED, by)


@transaction.atomic
def pause(name: str, **by: Unpack[By]) -> Experiment:
    """A rollout stays where it is, whatever it sees, until it is resumed."""
    row = _rollout(name, State.RUNNING)
    row.state, row.outcome = State.PAUSED, by.get("why", "")
    row.save()
    return _noted(row, "pause", by)


@transaction.atomic
def resume(name: str, **by: Unpack[By]) -> Experiment:
    """Goes on with a paused rollout. If somebody else has changed the traffic, its step begins anew."""
    row = _rollout(name, State.PAUSED)
    row.state, row.outcome = State.RUNNING, ""
    row.save()
    if traffic.phase_of(row.prompt, by=by) != row.phase:
        return _set_step(row, row.step, "resume", by)
    return _noted(row, "resume", by)


@transaction.atomic
def advance(name: str, *, step: int, **by: Unpack[By]) -> Experiment:
    """Brings a running rollout from that step to the next one; after the last the candidate is live."""
    row = _rollout(name, State.RUNNING)
    plan = row.rollout
    assert plan is not None
    if row.step != step:
        raise ExperimentRefused(f"{name} is at another step by now")
    if traffic.phase_of(row.prompt, by=by) != row.phase:
        raise ExperimentRefused(f"somebody else has changed the traffic of {row.prompt} since")
    if step + 1 < len(plan.watched):
        return _set_step(row, step + 1, "advance", by)
    traffic.give_all(row.prompt, plan.candidate, by=_because(by, row, "the rollout is complete"))
    return _ended(row, "advance", State.SHIPPED, by)


def expectation(plan: ExperimentPlan, *, until: datetime | None = None) -> Forecast:
    """How long it will take, from the prompt's traffic of the last days."""
    until = until or now()
    units, first, spread = traffic_of(
        plan.prompt, Measure(plan.primary), since=until - LOOK_BACK, until=until
    )
    days = max((until - first) / timedelta(days=1), 1 / 24) if first else 0.0
    return forecast(plan, Traffic(units=units, days=days, spread=spread))


def find(name: str) -> Experiment:
    try:
        return Experiment.objects.get(name=name)
    except Experiment.DoesNotExist:
        raise ExperimentNotFound(f"there is no experiment {name}") from None


@transaction.atomic
def _end(name: str, verb: str, state: str, *, by: By) -> Experiment:
    row = _lock(name)
    concludes = state == State.KEPT and row.state == State.STOPPED
    if not row.is_live and not concludes:
        raise ExperimentRefused(f"{name} is {row.stands}")
    if traffic.phase_of(row.prompt, by=by) == row.phase:
        traffic.give_all(row.prompt, row.written.champion, by=_because(by, row, verb))
    return _ended(row, verb, state, by)


def _ended(row: Experiment, verb: str, state: str, by: By) -> Experiment:
    row.state, row.ended_at, row.outcome = state, row.ended_at or now(), by.get("why", "")
    row.save()
    return _noted(row, verb, by)


def _set_step(row: Experiment, step: int, verb: str, by: By) -> Experiment:
    plan = row.rollout
    assert plan is not None
    row.step, row.planned_units = step, planned_units(plan, step)
    weights = plan.weights_at(step)
    reason = _because(by, row, f"{plan.watched[step]} %")
    row.phase, row.phase_since = traffic.divide(row.prompt, weights, champion=plan.champion, by=reason), now()
    row.report = None
    row.save()
    return _noted(row, verb, by)


def _lock(name: str) -> Experiment:
    try:
        return Experiment.objects.select_for_update().get(name=name)
    except Experiment.DoesNotExist:
        raise ExperimentNotFound(f"there is no experiment {name}") from None


def _check_alone(row: Experiment) -> None:
    """Once the prompt is locked, so that nothing else starts meanwhile."""
    others = Experiment.objects.filter(prompt=row.prompt, state__in=Experiment.LIVE).exclude(pk=row.pk)
    if other := others.first():
        raise ExperimentRefused(f"{other} runs on {row.prompt}: conclude it first")


def _rollout(name: str, state: str) -> Experiment:
    row = _lock(name)
    if row.rollout is None:
        raise ExperimentRefused(f"{name} is no rollout")
    if row.state != state:
        raise ExperimentRefused(f"{name} is {row.stands}")
    return row


def _because(by: By, row: Experiment, what: str) -> By:
    """The change of traffic says which experiment it belongs to, and why."""
    said = by.get("why", "")
    return {"actor": by["actor"], "door": by["door"], "why": f"{row.kind} {row}: {said or what}"}


def _noted(row: Experiment, verb: str, by: By) -> Experiment:
    ExperimentEvent.objects.create(
        experiment=row,
        verb=verb,
        actor=by["actor"],
        door=by["door"],
        why=by.get("why", ""),
        phase=row.phase,
    )
    return row
