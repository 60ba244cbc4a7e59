"""What can be done to an experiment, as buttons of its page."""

from collections.abc import Callable
from dataclasses import dataclass

from evals_app.experiments import services
from evals_app.models import Experiment

State = Experiment.State


@dataclass(frozen=True, kw_only=True)
class Verb:
    """One button."""

    slug: str
    label: str
    icon: str
    run: Callable[..., object]
    fits: Callable[[Experiment], bool]
    says: str
    """What will happen; `{champion}` and its like are filled in."""
    variant: str = "default"
    takes_seen: bool = False
    """`run` is told what was seen, for it does what the plan says."""


def _rolls(row: Experiment, state: str) -> bool:
    return row.kind == Experiment.Kind.ROLLOUT and row.state == state


VERBS = (
    Verb(
        slug="start",
        label="Start",
        icon="play_arrow",
        run=services.start,
        fits=lambda row: row.state == State.DRAFT,
        says="The plan is frozen, and the traffic of {prompt} is split: {arms}.",
        variant="primary",
        takes_seen=True,
    ),
    Verb(
        slug="pause",
        label="Pause",
        icon="pause",
        run=services.pause,
        fits=lambda row: _rolls(row, State.RUNNING),
        says="The shares stay as they are, and nothing moves by itself until it is resumed.",
    ),
    Verb(
        slug="resume",
        label="Resume",
        icon="play_arrow",
        run=services.resume,
        fits=lambda row: _rolls(row, State.PAUSED),
        says="It goes on with the step that it was at.",
        variant="primary",
    ),
    Verb(
        slug="stop",
        label="Stop",
        icon="stop",
        run=services.stop,
        fits=lambda row: row.is_live,
        says="{champion} answers everybody again. The report stays, and can still be concluded from.",
        variant="danger",
    ),
    Verb(
        slug="keep",
        label="Keep the champion",
        icon="shield",
        run=services.keep_champion,
        fits=lambda row: row.is_live or row.state == State.STOPPED,
        says="It is concluded: {champion} answers everybody.",
    ),
)
