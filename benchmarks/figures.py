"""What was measured, round by round: medians and their spread are made of it, nothing is thrown away."""

from collections import defaultdict
from dataclasses import dataclass, field
from statistics import median


@dataclass(kw_only=True)
class Figures:
    values: dict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    """(gateway, figure) -> one value a round."""

    def add(self, gateway: str, figure: str, value: float) -> None:
        self.values[gateway, figure].append(value)

    def median(self, gateway: str, figure: str) -> float | None:
        found = self.values.get((gateway, figure))
        return median(found) if found else None

    def as_json(self) -> dict[str, dict[str, dict[str, float | list[float]]]]:
        told: dict[str, dict[str, dict[str, float | list[float]]]] = defaultdict(dict)
        for (gateway, figure), values in self.values.items():
            told[gateway][figure] = {"median": median(values), "rounds": values}
        return told
