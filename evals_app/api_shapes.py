"""What the experiments' addresses say, as structs: the API document is made from them."""

from datetime import datetime
from typing import Any, Literal

from msgspec import Struct

from evals_app.experiments.looking import kept_report
from evals_app.experiments.plans import ExperimentPlan, RolloutPlan
from evals_app.experiments.report import ExperimentReport
from evals_app.models import Experiment, ExperimentEvent
from evals_app.verdicts import Verdict

State = Literal["draft", "running", "paused", "stopped", "shipped", "kept", "back"]


class ExperimentSummary(Struct, kw_only=True):
    id: int
    name: str
    kind: Literal["experiment", "rollout"]
    prompt: str
    state: State
    champion: str
    arms: dict[str, int]
    """Version -> percents of the phase that is on, or was the last."""
    units: int | None
    """That the last look counted; null before the first."""
    healthy: bool | None
    """False: the split is in doubt, and no verdict means anything."""
    verdicts: dict[str, Verdict]
    """Challenger -> what the last look found."""
    outcome: str
    """Why it ended, or why it is paused."""
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    looked_at: datetime | None


class ExperimentsReply(Struct, kw_only=True):
    experiments: list[ExperimentSummary]
    next_before: int | None
    """`before` of the next page; null on the last one."""


class EventReply(Struct, kw_only=True):
    verb: str
    actor: str
    door: str
    at: datetime
    why: str
    phase: int | None


class ExperimentReply(ExperimentSummary, kw_only=True):
    plan: ExperimentPlan | RolloutPlan
    phase: int | None
    """The prompt's phase whose calls count."""
    step: int
    """Of a rollout: its place among the watched steps."""
    report: ExperimentReport | None
    """The last look's."""
    events: list[EventReply]
    """Who did what, the newest first."""


STRUCTS = (ExperimentsReply, ExperimentReply)


def summary(row: Experiment) -> ExperimentSummary:
    return ExperimentSummary(**_said(row, kept_report(row)))


def whole(row: Experiment) -> ExperimentReply:
    report = kept_report(row)
    return ExperimentReply(
        **_said(row, report),
        plan=row.written,
        phase=row.phase,
        step=row.step,
        report=report,
        events=[_event(event) for event in row.events.all()],
    )


def _said(row: Experiment, report: ExperimentReport | None) -> dict[str, Any]:
    names = ("id", "name", "kind", "prompt", "state", "outcome")
    times = ("created_at", "started_at", "ended_at", "looked_at")
    return {
        **{name: getattr(row, name) for name in (*names, *times)},
        "champion": row.written.champion,
        "arms": row.weights,
        "units": report.units if report else None,
        "healthy": report.health.good if report else None,
        "verdicts": {found.version: found.verdict for found in report.comparisons} if report else {},
    }


def _event(row: ExperimentEvent) -> EventReply:
    return EventReply(verb=row.verb, actor=row.actor, door=row.door, at=row.at, why=row.why, phase=row.phase)
