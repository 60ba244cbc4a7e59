"""What an evaluator is given, and what it gives back."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol, runtime_checkable


class EvaluationFailed(ValueError):
    """An evaluator could not come to a verdict. It becomes an error of the score, never a pass."""

    def __init__(self, message: str, *, cost_usd: Decimal = Decimal(0)) -> None:
        super().__init__(message)
        self.cost_usd = cost_usd
        """What was paid all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One output and what is known of it."""

    output: str
    expected: Any = None
    """The case's: any JSON value."""
    variables: Mapping[str, Any] = field(default_factory=dict)
    """What the prompt was filled with."""
    finish_reason: str | None = "stop"
    latency: float = 0.0
    """Seconds."""
    cost_usd: Decimal | None = None
    """None: the model's price is not known."""
    rival: str | None = None
    """What the baseline answered to the same; None for the baseline itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A verdict on one output."""

    value: float
    """From 0, the worst, to 1."""
    reason: str = ""
    passed: bool | None = None
    """What a judge says of itself; None leaves it to the threshold."""
    flipped: bool | None = None
    """Whether a judge of pairs preferred a place and not an answer; None where no pair was judged."""
    error: str | None = None
    """Why there is no verdict. The value is 0 then, so that it counts and does not flatter."""
    cost_usd: Decimal = Decimal(0)
    """What the verdict itself cost."""

    @classmethod
    def of(cls, holds: bool, reason: str = "") -> "Score":
        return cls(value=float(holds), reason=reason)

    @classmethod
    def failed(cls, error: str, *, cost_usd: Decimal = Decimal(0)) -> "Score":
        return cls(value=0.0, passed=False, error=error, cost_usd=cost_usd)


@runtime_checkable
class Evaluator(Protocol):
    def evaluate(self, sample: Sample) -> Score | Awaitable[Score]:
        """Raises `EvaluationFailed` where no verdict is possible."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a judge asks a model."""

    system: str
    user: str
    schema: Mapping[str, Any]
    """JSON Schema of the reply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    text: str
    cost_usd: Decimal = Decimal(0)


Complete = Callable[[Question], Awaitable[Reply]]
"""Asks a model. Raises `EvaluationFailed` where it does not answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vectors:
    """One for each text."""

    values: Sequence[Sequence[float]]
    cost_usd: Decimal = Decimal(0)


Embed = Callable[[Sequence[str]], Awaitable[Vectors]]
"""Raises `EvaluationFailed` where there is no vector for a text."""


def expected_at(sample: Sample, place: str) -> Any:
    """The case's expectation, or that field of it. Raises `EvaluationFailed` where the case has none."""
    expected = sample.expected
    if place:
        expected = expected.get(place) if isinstance(expected, Mapping) else None
    if expected is None:
        raise EvaluationFailed(f"the case has no expected{f'.{place}' if place else ''}")
    return expected


def expected_text(sample: Sample, place: str) -> str:
    """As `expected_at`, and it is a text."""
    expected = expected_at(sample, place)
    if not isinstance(expected, str):
        raise EvaluationFailed(f"expected{f'.{place}' if place else ''} is not a text")
    return expected
