"""Which arm wins, unit against unit: each arm against each other one in the measure that decides."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import permutations

from evals_app.statistics.sequences import confidence_sequence
from evals_app.statistics.superiority import superiority
from evals_app.statistics.two_samples import Moments

EVEN = 0.5
Placed = Mapping[tuple[str, str], Moments]
"""(one arm, another) -> of the one's units: the share of the other's that are below."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Duel:
    """How often a unit of one arm does better than one of another, a tie counting half."""

    arm: str
    against: str
    share: float
    low: float
    high: float
    """A confidence sequence: all duels' intervals hold together, however often one looks."""

    @property
    def wins(self) -> bool:
        return self.low > EVEN

    @property
    def loses(self) -> bool:
        return self.high < EVEN


def duels(arms: Sequence[str], placed: Placed, *, better: int, alpha: float, planned: int) -> list[Duel]:
    """`better`: 1 where more is better, -1 where less is; pairs without data are left out."""
    pairs = [pair for pair in permutations(arms, 2) if pair in placed]
    each = alpha / max(1, len(pairs) // 2)
    return [_duel(pair, *_turned(pair, placed, better=better), alpha=each, planned=planned) for pair in pairs]


def _turned(pair: tuple[str, str], placed: Placed, *, better: int) -> tuple[Moments, Moments]:
    """The placements of both arms; where less is better, of how many are above."""
    one, other = pair
    both = placed[one, other], placed[other, one]
    if better > 0:
        return both
    return replace(both[0], mean=1 - both[0].mean), replace(both[1], mean=1 - both[1].mean)


def _duel(pair: tuple[str, str], first: Moments, second: Moments, *, alpha: float, planned: int) -> Duel:
    # Of an arm that has won every time so far, nobody is certain that it always will.
    doubt = superiority(first.padded(), second.padded()).standard_error
    found = replace(superiority(first, second), standard_error=doubt)
    around = confidence_sequence(found, units=first.n + second.n, alpha=alpha, planned=planned)
    low, high = max(0.0, around.low), min(1.0, around.high)
    return Duel(arm=pair[0], against=pair[1], share=found.value, low=low, high=high)
