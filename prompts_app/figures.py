"""What versions did, for the prompt's page. `PROMPTS["FIGURES"]` names who keeps them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionFigures:
    """One version in one period, as people read it."""

    version: str
    calls: str
    p50: str
    p95: str
    cost: str
    errors: str
    score: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodFigures:
    title: str
    """Such as `last 24 hours`."""
    rows: Sequence[VersionFigures]


class Figures(Protocol):
    def __call__(self, prompt: str) -> Sequence[PeriodFigures] | None:
        """None where they cannot be had now. Answers or gives up within a few seconds."""
