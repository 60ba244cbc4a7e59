"""Is the output exactly what was expected?"""

from dataclasses import dataclass

from evals_app.evaluators.base import Sample, Score, expected_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Exact:
    """White space around both is not looked at."""

    expected: str = ""
    """The field of the case's expectation; empty: the expectation itself."""
    ignore_case: bool = False

    def evaluate(self, sample: Sample) -> Score:
        wanted, given = expected_text(sample, self.expected).strip(), sample.output.strip()
        if self.ignore_case:
            wanted, given = wanted.casefold(), given.casefold()
        return Score.of(wanted == given, "equal" if wanted == given else f"not {wanted[:80]!r}")
