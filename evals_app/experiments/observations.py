"""What was seen of the arms: sums over units, never over calls."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from evals_app.statistics.two_samples import Moments


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Which calls count: those that one phase of a prompt's split gave to an arm."""

    prompt: str
    phase: int
    since: datetime
    arms: tuple[str, ...]
    sessions_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """One measure over the units of an arm that have it."""

    moments: Moments
    low: float
    high: float

    @property
    def is_share(self) -> bool:
        """Every value lies between 0 and 1."""
        return self.low >= 0 and self.high <= 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One arm."""

    units: int
    calls: int = 0
    errors: int = 0
    hits: int = 0
    tokens: int = 0
    cost_usd: float = 0.0
    """Of all calls together."""
    spreads: Mapping[str, Spread] = field(default_factory=dict)
    """By measure; what fewer than two units have is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    arms: Mapping[str, Seen]
    exposed: int = 0
    """Units that saw more than one arm. They are in no arm."""
    unversioned: int = 0
    """Calls of the prompt in the same time that ended before a version was chosen."""
    pinned: int = 0
    """Calls that asked for a version themselves, or for which the environment chose it: in no arm."""
