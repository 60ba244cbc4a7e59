"""Does a regular expression match somewhere in the output?"""

from dataclasses import dataclass

import regex

from evals_app.evaluators.base import EvaluationFailed, Sample, Score

TIME_LIMIT = 0.5
"""Seconds: a pattern that backtracks without end must not hold a run up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """Raises `ValueError` for what is no regular expression."""

    pattern: str
    absent: bool = False
    """It must match nowhere instead."""

    def __post_init__(self) -> None:
        try:
            regex.compile(self.pattern)
        except regex.error as exc:
            raise ValueError(f"{self.pattern!r} is no regular expression: {exc}") from exc

    def evaluate(self, sample: Sample) -> Score:
        try:
            match = regex.search(self.pattern, sample.output, timeout=TIME_LIMIT)
        except TimeoutError as exc:
            raise EvaluationFailed(f"{self.pattern!r} took longer than {TIME_LIMIT} s") from exc
        reason = f"matches {match[0][:80]!r}" if match else "matches nowhere"
        return Score.of((match is None) == self.absent, reason)
