"""The plan of an experiment or of a rollout: written down before it starts, frozen when it does."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from evals_app.exceptions import PlanInvalid
from evals_app.experiments.measures import Direction, Measure
from prompts_app import plain_yaml

NAME = r"[a-z0-9][a-z0-9_-]{0,63}"
FEWEST_GUARDRAILS, MOST_GUARDRAILS = 2, 5
MOST_ARMS = 5
JUDGE_NAME = r"[a-z0-9][a-z0-9_-]{0,39}"

Share = Annotated[float, Meta(gt=0, lt=1)]
Above = Annotated[float, Meta(gt=0, le=1_000_000)]
Text = Annotated[str, Meta(max_length=2000)]
Label = Annotated[str, Meta(min_length=1, max_length=32)]
Unit = Literal["any", "session"]


class _Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Guardrail(_Part, frozen=True, kw_only=True):
    """What must not become worse by more than a margin."""

    measure: str
    margin: Annotated[float, Meta(ge=0, le=1_000_000)]
    """In the measure's unit, or as a share of the champion's mean where the measure is relative."""
    direction: Direction | None = None
    """Which way is better; None: the measure's usual one."""


class JudgePlan(_Part, frozen=True, kw_only=True):
    """A model that scores a sample of the answers; the scores are the measure `judge:<name>`."""

    name: str
    rubric: Annotated[str, Meta(min_length=1, max_length=5000)]
    percent: Annotated[int, Meta(ge=1, le=100)] = 10
    """Of the calls of each arm."""
    cap_usd: Annotated[float, Meta(gt=0, le=10_000)] = 1.0


class _Plan(_Part, frozen=True, kw_only=True, tag_field="kind"):
    name: str
    prompt: Annotated[str, Meta(min_length=1, max_length=64)]
    champion: Label
    guardrails: tuple[Guardrail, ...]
    hypothesis: Text = ""
    unit: Unit = "any"
    """`any`: the session, else the user, else each call by itself. `session`: only calls with a session."""
    alpha: Annotated[float, Meta(gt=0, le=0.2)] = 0.05
    judge: JudgePlan | None = None


class ExperimentPlan(_Plan, frozen=True, kw_only=True, tag="experiment"):
    """Arms beside each other for as long as it takes, and one question."""

    weights: dict[str, int]
    """Version -> whole percents, 100 in all, the champion among them."""
    primary: str
    direction: Direction | None = None
    mde: Above
    """The smallest effect worth finding, in the unit of a margin."""
    min_days: Annotated[float, Meta(ge=0, le=365)] = 7.0

    @property
    def challengers(self) -> list[str]:
        return [label for label in self.weights if label != self.champion]

    @property
    def least(self) -> timedelta:
        return timedelta(days=self.min_days)


class RolloutPlan(_Plan, frozen=True, kw_only=True, tag="rollout"):
    """One candidate gets more and more, as long as nothing is clearly worse."""

    candidate: Label
    steps: tuple[int, ...] = (1, 10, 50, 100)
    """Percents for the candidate; the last is 100."""
    holdback: Annotated[int, Meta(ge=0, le=50)] = 5
    """Percents that the champion keeps while the last step is watched, so that there is something to compare
    with; 0: nobody watches the last step."""
    hold_hours: Annotated[float, Meta(ge=0, le=24 * 60)] = 24.0
    """How long each step is watched at the least."""
    hold_units: Annotated[int, Meta(ge=0, le=10_000_000)] = 200
    """How many units of either version each step needs at the least."""

    @property
    def challengers(self) -> list[str]:
        return [self.candidate]

    @property
    def watched(self) -> tuple[int, ...]:
        """The candidate's percents at the steps that are watched; after the last it gets everything."""
        return (*self.steps[:-1], 100 - self.holdback) if self.holdback else self.steps[:-1]

    def weights_at(self, step: int) -> dict[str, int]:
        share = self.watched[step]
        return {self.champion: 100 - share, self.candidate: share}

    @property
    def hold(self) -> timedelta:
        return timedelta(hours=self.hold_hours)


Plan = ExperimentPlan | RolloutPlan


def read(data: Any) -> Plan:
    """From what JSON or YAML holds. Raises `PlanInvalid`."""
    try:
        plan: Plan = msgspec.convert(data, Plan)
    except msgspec.ValidationError as exc:
        raise PlanInvalid(str(exc)) from exc
    check(plan)
    return plan


def from_yaml(text: str) -> Plan:
    """Raises `PlanInvalid`."""
    try:
        document = plain_yaml.load(text, deepest=32, largest=10_000)
    except plain_yaml.NotPlain as exc:
        raise PlanInvalid(f"not YAML: {exc}") from exc
    return read(document.value)


def plain(plan: Plan) -> dict[str, Any]:
    """What `read` takes."""
    found: dict[str, Any] = msgspec.to_builtins(plan)
    return found


def measures(plan: Plan) -> list[Measure]:
    """What its report must know, the primary first, each once."""
    primary = [plan.primary] if isinstance(plan, ExperimentPlan) else []
    names = [*primary, *(guardrail.measure for guardrail in plan.guardrails)]
    return [Measure(name) for name in dict.fromkeys(names)]


def better(measure: Measure, direction: Direction | None) -> Literal[1, -1]:
    """The sign that turns a change into a gain."""
    return 1 if (direction or measure.usual) == "up" else -1


def check(plan: Plan) -> None:
    """Raises `PlanInvalid` naming everything that is wrong."""
    if found := [*_problems(plan), *(_arms(plan) if isinstance(plan, ExperimentPlan) else _steps(plan))]:
        raise PlanInvalid("; ".join(found))


def _problems(plan: Plan) -> Iterator[str]:
    if not re.fullmatch(NAME, plan.name):
        yield f"{plan.name!r} is no name: 1 to 64 of a-z, 0-9, _ and -"
    if not FEWEST_GUARDRAILS <= len(plan.guardrails) <= MOST_GUARDRAILS:
        yield f"a plan has {FEWEST_GUARDRAILS} to {MOST_GUARDRAILS} guardrails"
    guarded = [guardrail.measure for guardrail in plan.guardrails]
    if len(set(guarded)) < len(guarded):
        yield "each guardrail has a measure of its own"
    names = [plan.primary, *guarded] if isinstance(plan, ExperimentPlan) else guarded
    for name in names:
        try:
            measure = Measure(name)
        except ValueError as exc:
            yield str(exc)
            continue
        judged = (measure.feedback or "").startswith("judge:")
        if judged and (plan.judge is None or measure.feedback != f"judge:{plan.judge.name}"):
            yield f"{name} needs a judge of that name in the plan"
    if plan.judge and not re.fullmatch(JUDGE_NAME, plan.judge.name):
        yield f"{plan.judge.name!r} is no judge's name: 1 to 40 of a-z, 0-9, _ and -"


def _arms(plan: ExperimentPlan) -> Iterator[str]:
    if not 2 <= len(plan.weights) <= MOST_ARMS:
        yield f"an experiment has 2 to {MOST_ARMS} arms"
    if plan.champion not in plan.weights:
        yield f"the champion {plan.champion} has no share"
    if any(share < 1 for share in plan.weights.values()) or sum(plan.weights.values()) != 100:
        yield "shares are whole percents from 1 that sum up to 100"
    if plan.primary in {guardrail.measure for guardrail in plan.guardrails}:
        yield f"{plan.primary} is the primary measure and cannot be a guardrail, too"


def _steps(plan: RolloutPlan) -> Iterator[str]:
    if plan.candidate == plan.champion:
        yield "champion and candidate are two versions"
    growing = list(plan.steps) == sorted(set(plan.steps))
    if len(plan.steps) < 2 or not growing or plan.steps[0] < 1 or plan.steps[-1] != 100:
        yield "steps are growing percents from 1, of which the last is 100"
    elif 100 - plan.holdback <= plan.steps[-2]:
        yield f"a holdback of {plan.holdback} % leaves the last step no more than the one before"
