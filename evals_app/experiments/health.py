"""Can the arms be compared at all? Looked at first: a broken split makes every other number worthless."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from evals_app.experiments.observations import Observed
from evals_app.statistics.allocation import ALARM, sample_ratio

MOST_EXPOSED = 0.01
"""Share of the units that may have seen two arms."""
MOST_UNVERSIONED = 0.01
"""Share of the calls that may have ended before a version was chosen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmShare:
    version: str
    units: int
    expected: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    arms: tuple[ArmShare, ...]
    ratio_p: float
    """Of the units having been split as planned (chi-square)."""
    exposed: int
    unversioned: int
    pinned: int
    problems: tuple[str, ...]
    """Each hides the verdict."""
    notes: tuple[str, ...] = ()
    """What one should know, and which hides nothing."""

    @property
    def good(self) -> bool:
        return not self.problems


def examine(observed: Observed, weights: Mapping[str, int], *, notes: tuple[str, ...] = ()) -> Health:
    units = {arm: observed.arms[arm].units for arm in weights}
    total = sum(units.values())
    ratio_p = sample_ratio(list(units.values()), list(weights.values()))
    return Health(
        arms=tuple(
            ArmShare(version=arm, units=units[arm], expected=total * share / sum(weights.values()))
            for arm, share in weights.items()
        ),
        ratio_p=ratio_p,
        exposed=observed.exposed,
        unversioned=observed.unversioned,
        pinned=observed.pinned,
        problems=tuple(_problems(observed, total, ratio_p)),
        notes=notes,
    )


def _problems(observed: Observed, units: int, ratio_p: float) -> Iterator[str]:
    if ratio_p < ALARM:
        yield (
            "The units did not arrive in the planned shares (p < 0.001): "
            "something drops or moves calls of one arm."
        )
    if (exposed := _share(observed.exposed, units)) > MOST_EXPOSED:
        yield f"{observed.exposed:,} units ({exposed:.1%}) saw more than one arm."
    calls = sum(arm.calls for arm in observed.arms.values())
    if (lost := _share(observed.unversioned, calls)) > MOST_UNVERSIONED:
        yield (
            f"{observed.unversioned:,} calls ({lost:.1%}) ended before a version was chosen: "
            "nobody knows which arm they belong to."
        )


def _share(part: int, rest: int) -> float:
    return part / (part + rest) if part else 0.0
