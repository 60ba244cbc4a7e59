"""How far do two judges agree beyond chance?"""

from collections import Counter
from collections.abc import Hashable, Sequence


def kappa(one: Sequence[Hashable], other: Sequence[Hashable]) -> float:
    """Cohen's kappa of two judges' labels for the same cases: 1 is full agreement, 0 what chance would give.

    Raises `ValueError` without labels. Where both know but one label, and the same, they agree.
    """
    n = len(one)
    if not n:
        raise ValueError("there are no labels")
    observed = sum(a == b for a, b in zip(one, other, strict=True)) / n
    first, second = Counter(one), Counter(other)
    chance = sum(first[label] * second[label] for label in first) / (n * n)
    return 1.0 if chance == 1 else (observed - chance) / (1 - chance)
