"""What an experiment can be about, and how it is said."""

import re
from dataclasses import dataclass
from typing import Literal

Direction = Literal["up", "down"]

PLAIN = {
    "errors": "share of a unit's calls that failed",
    "latency": "mean seconds of a unit's answers that a vendor gave",
    "cost": "mean price of a unit's answers, cached ones at what they saved",
    "tokens": "mean tokens of a unit's answers",
}
SCORE = re.compile(r"(feedback|judge):([a-zA-Z0-9][a-zA-Z0-9_.:-]{0,56})")


@dataclass(frozen=True, slots=True)
class Measure:
    """One number for each unit: the mean over its calls. Raises `ValueError` for a name that says nothing."""

    name: str
    """`errors`, `latency`, `cost`, `tokens`, `feedback:<name>` or `judge:<name>`."""

    def __post_init__(self) -> None:
        if self.name not in PLAIN and not SCORE.fullmatch(self.name):
            raise ValueError(
                f"{self.name!r} is no measure: {', '.join(PLAIN)}, feedback:<name>, judge:<name>"
            )

    @property
    def feedback(self) -> str | None:
        """Under which name its values are kept as feedback; None where calls themselves tell it."""
        if self.name in PLAIN:
            return None
        return self.name.removeprefix("feedback:")

    @property
    def usual(self) -> Direction:
        """Which way is better, where the plan does not say."""
        return "down" if self.name in PLAIN else "up"

    @property
    def relative(self) -> bool:
        """Its effects and margins are shares of the champion's mean, not in its own unit."""
        return self.name in ("latency", "cost", "tokens")

    @property
    def explained(self) -> str:
        return PLAIN.get(self.name, f"mean of a unit's “{self.feedback}”, over the units that have one")

    def tell(self, value: float) -> str:
        """A mean, in words."""
        if self.name == "errors":
            return f"{value:.2%}"
        if self.name == "latency":
            return f"{value:.2f} s" if value >= 1 else f"{value * 1000:.0f} ms"
        if self.name == "cost":
            return f"${value:.6f}"
        return f"{value:,.0f}" if self.name == "tokens" else f"{value:.3f}"

    def tell_change(self, value: float) -> str:
        """A difference of means, or its share of the champion's where the measure is `relative`."""
        if self.relative:
            return f"{value:+.1%}"
        return f"{100 * value:+.2f} points" if self.name == "errors" else f"{value:+.3f}"

    def tell_bare(self, value: float) -> str:
        """The same without its unit, where that is said beside it."""
        return self.tell_change(value).removesuffix(" points")

    def tell_margin(self, value: float) -> str:
        """How much is allowed, in words."""
        if self.relative:
            return f"{100 * value:.3g} %"
        if self.name == "errors":
            return f"{100 * value:.3g} point{'' if value == 0.01 else 's'}"
        return f"{value:.3g}"
