"""Does the output hold certain texts, or none of them?"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from evals_app.evaluators.base import EvaluationFailed, Sample, Score, expected_at

Wanted = str | tuple[str, ...]
"""A text, or several of which one is enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Texts:
    """Looks for `values`, or for what the case expects. Case and line breaks are not looked at.

    A number is found as a whole only: 18 is neither in 2018 nor in 1.18.

    Raises `ValueError` for a value that is no text.
    """

    values: tuple[Wanted, ...] = ()
    expected: str = ""
    """The field of the case's expectation that lists the texts, where `values` is empty."""
    match_case: bool = False

    def __post_init__(self) -> None:
        for entry in self.values:
            _alternatives(entry)

    def _split(self, sample: Sample) -> tuple[list[str], list[str]]:
        """The texts that were found, and those that were not."""
        wanted = [_alternatives(entry) for entry in self.values or _listed(sample, self.expected)]
        output = self._normal(sample.output)
        found: list[str] = []
        missing: list[str] = []
        for texts in wanted:
            held = any(_holds(output, self._normal(text)) for text in texts)
            (found if held else missing).append(" or ".join(texts))
        return found, missing

    def _normal(self, text: str) -> str:
        text = " ".join(text.split())
        return text if self.match_case else text.casefold()


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainsAll(_Texts):
    """The value is the share that was found."""

    def evaluate(self, sample: Sample) -> Score:
        found, missing = self._split(sample)
        reason = f"missing: {', '.join(missing)}" if missing else "all there"
        return Score(value=len(found) / (len(found) + len(missing)), reason=reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainsAny(_Texts):
    def evaluate(self, sample: Sample) -> Score:
        found, missing = self._split(sample)
        return Score.of(bool(found), f"found {found[0]}" if found else f"none of {', '.join(missing)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class NotContains(_Texts):
    def evaluate(self, sample: Sample) -> Score:
        found, _ = self._split(sample)
        return Score.of(not found, f"holds {', '.join(found)}" if found else "holds none of them")


def _holds(output: str, text: str) -> bool:
    if not (text[0].isdigit() or text[-1].isdigit()):
        return text in output
    before = r"(?<!\d)(?<!\d[.,])" if text[0].isdigit() else ""
    after = r"(?!\d|[.,]\d)" if text[-1].isdigit() else ""
    return re.search(before + re.escape(text) + after, output) is not None


def _listed(sample: Sample, place: str) -> Sequence[Any]:
    expected = expected_at(sample, place)
    listed = [expected] if isinstance(expected, str) else expected
    if not isinstance(listed, list) or not listed:
        raise EvaluationFailed("the case expects no list of texts")
    return listed


def _alternatives(entry: Any) -> tuple[str, ...]:
    texts = tuple(entry) if isinstance(entry, list | tuple) else (entry,)
    if not texts or not all(isinstance(text, str) and text.strip() for text in texts):
        raise EvaluationFailed(f"{entry!r} is neither a text nor a list of texts")
    return texts
