"""Is the number in the output near enough to the expected one?"""

import math
import re
from dataclasses import dataclass

from evals_app.evaluators.base import EvaluationFailed, Sample, Score, expected_at

NUMBER = re.compile(r"[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][-+]?\d{1,3})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Numeric:
    """Takes the output's last number, where models put their result. Commas may set off thousands."""

    expected: str = ""
    absolute: float = 0.0
    relative: float = 0.0
    """A share of the expected number; the wider of the two tolerances holds."""

    def evaluate(self, sample: Sample) -> Score:
        wanted = expected_at(sample, self.expected)
        if isinstance(wanted, bool) or not isinstance(wanted, int | float):
            raise EvaluationFailed("the case expects no number")
        numbers = NUMBER.findall(sample.output)
        if not numbers:
            return Score.of(False, "there is no number")
        given = float(numbers[-1].replace(",", ""))
        near = math.isclose(given, wanted, rel_tol=0, abs_tol=max(self.absolute, self.relative * abs(wanted)))
        return Score.of(near, f"{given:g}, expected {wanted:g}")
