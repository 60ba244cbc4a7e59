"""How fast a run goes, and when it will be done."""

from dataclasses import dataclass
from datetime import timedelta

from django.utils.timezone import now

from evals_app.models import EvalResult, EvalRun

LOOK_BACK = timedelta(seconds=30)
"""The pace is that of the last moments: a run that was resumed has a past that says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    per_second: float
    """Answers."""
    left: float | None
    """Seconds; None while nothing is answered."""

    def __str__(self) -> str:
        if self.left is None:
            return "waiting for the first answers"
        return f"{self.per_second:.1f} answers a second, {duration(self.left)} left"


def pace(run: EvalRun) -> Pace:
    moment = now()
    window = min(LOOK_BACK, max(moment - run.created_at, timedelta(seconds=1)))
    done = run.results.filter(state=EvalResult.State.DONE, finished_at__gte=moment - window).count()
    rate = done / window.total_seconds()
    return Pace(per_second=rate, left=(run.total - run.finished) / rate if rate else None)


def duration(seconds: float) -> str:
    """In words: `40 s`, `3 min`, `2 h 5 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
