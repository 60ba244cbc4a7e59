"""Does the output stay within its bounds: length, time, money, the way it ended?"""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from evals_app.evaluators.base import EvaluationFailed, Sample, Score

Unit = Literal["characters", "words", "sentences", "lines"]
SENTENCE_END = re.compile(r"[.!?…](?=[\s\"'”)\]]|$)|\n\s*[-*•]\s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    """Raises `ValueError` where no bound is given."""

    at_least: int = 0
    at_most: int | None = None
    unit: Unit = "words"

    def __post_init__(self) -> None:
        if self.at_most is None and not self.at_least:
            raise ValueError("give at_least or at_most")

    def evaluate(self, sample: Sample) -> Score:
        length = _length(sample.output, self.unit)
        fits = self.at_least <= length and (self.at_most is None or length <= self.at_most)
        return Score.of(fits, f"{length} {self.unit}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    at_most: float
    """Seconds."""

    def evaluate(self, sample: Sample) -> Score:
        return Score.of(sample.latency <= self.at_most, f"{sample.latency:.2f} s of {self.at_most:g} s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    at_most: Decimal
    """USD."""

    def evaluate(self, sample: Sample) -> Score:
        if sample.cost_usd is None:
            raise EvaluationFailed("the model's price is not known")
        return Score.of(sample.cost_usd <= self.at_most, f"${sample.cost_usd:.6f} of ${self.at_most}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """Ended as it should: not cut off, not blocked."""

    allowed: tuple[str, ...] = ("stop",)

    def evaluate(self, sample: Sample) -> Score:
        return Score.of(sample.finish_reason in self.allowed, f"ended by {sample.finish_reason}")


def _length(text: str, unit: Unit) -> int:
    text = text.strip()
    if unit == "characters":
        return len(text)
    if unit == "words":
        return len(text.split())
    if unit == "lines":
        return sum(1 for line in text.splitlines() if line.strip())
    return max(len(SENTENCE_END.findall(text)), int(bool(text)))
