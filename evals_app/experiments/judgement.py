"""Is a challenger better, worse, not worse, or can nobody tell yet? A word, a sentence, and what is next."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from evals_app.experiments.effects import Effect
from evals_app.experiments.health import Health
from evals_app.experiments.measures import Measure
from evals_app.verdicts import Verdict

FEWEST = 100
"""Units of each arm below which nothing good is said: the sequences are asymptotic."""
FEWEST_FOR_HARM = 30
"""Units of each arm from which harm is believed: a broken version must not wait long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """What a verdict rests on."""

    challenger: str
    champion: str
    primary: str
    alpha: float
    now: datetime
    due: datetime
    """Before it nothing good is said: the plan's shortest time."""
    planned: int
    """Units of both arms together."""
    expected_end: datetime | None = None
    """When the traffic of late fills the plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    verdict: Verdict
    reason: str
    next: str


def judge(
    stand: Stand, health: Health, effects: Sequence[Effect], *, unknown: Sequence[str] = ()
) -> Judgement:
    """Health is asked first, then for harm: no gain makes up for either."""
    if not health.good:
        return _open(f"No verdict: {health.problems[0]}", "Stop it, mend the cause, and start again.")
    if harm := broken(effects, alpha=stand.alpha):
        return Judgement(verdict="worse", reason=harm, next=_keep(stand))
    primary = next((found for found in effects if found.measure == stand.primary), None)
    if primary is None or min(primary.units) < FEWEST:
        seen = min(primary.units) if primary else 0
        return _open(
            f"Too early: {seen} units of an arm have {stand.primary}, and a verdict needs {FEWEST}.",
            _waiting(stand),
        )
    over = f"{stand.primary} {primary.change}, over {sum(primary.units):,} units"
    if primary.gain.high < 0 and not _kept(primary, stand):
        return Judgement(verdict="worse", reason=f"Worse: {over}.", next=_keep(stand))
    if unknown:
        return _open(f"The guardrail {', '.join(unknown)} has no data yet.", _waiting(stand))
    if stand.now < stand.due:
        wait = f"Wait until {stand.due:%-d %b %Y, %H:%M} UTC: days of the week differ."
        return _open(f"Too early to call: {over}.", wait)
    return _good(primary, stand, over)


def broken(effects: Sequence[Effect], *, alpha: float) -> str | None:
    """The guardrail that is most clearly broken, in a sentence."""
    guards = [found for found in effects if found.guardrail and min(found.units) >= FEWEST_FOR_HARM]
    worst = min(guards, key=lambda found: found.harm_p, default=None)
    if worst is None or worst.harm_p >= alpha:
        return None
    allowed = Measure(worst.measure).tell_margin(worst.margin)
    return (
        f"The guardrail {worst.measure} is broken: {worst.change}, where {allowed} was allowed, "
        f"over {sum(worst.units):,} units."
    )


def _good(primary: Effect, stand: Stand, over: str) -> Judgement:
    if primary.gain.low > 0:
        return Judgement(verdict="better", reason=f"Better: {over}.", next=f"Ship {stand.challenger}.")
    allowed = Measure(primary.measure).tell_margin(primary.margin)
    full = sum(primary.units) >= stand.planned
    if _kept(primary, stand):
        then = (
            f"Ship {stand.challenger} if it is cheaper or simpler; the planned sample is complete."
            if full
            else f"{_waiting(stand)} Or ship {stand.challenger} if it is cheaper or simpler."
        )
        return Judgement(verdict="not worse", reason=f"Not worse by {allowed}: {over}.", next=then)
    if full:
        return _open(
            f"Cannot tell, and the planned sample is complete: {over}.",
            f"The effect is probably below {allowed}: keep {stand.champion}, or plan for a smaller one.",
        )
    return _open(f"Cannot tell yet: {over}.", _waiting(stand))


def _kept(primary: Effect, stand: Stand) -> bool:
    """That it is worse by the smallest effect that matters can be ruled out."""
    return primary.kept_p < stand.alpha


def _open(reason: str, then: str) -> Judgement:
    return Judgement(verdict="inconclusive", reason=reason, next=then)


def _keep(stand: Stand) -> str:
    return f"Keep {stand.champion}."


def _waiting(stand: Stand) -> str:
    if stand.expected_end is None:
        return f"Go on: {stand.planned:,} units of the two arms are planned."
    return (
        f"Go on: {stand.planned:,} units of the two arms are planned, "
        f"at today's traffic until {stand.expected_end:%-d %b %Y}."
    )
