"""A thinking budget for vendors that take a level instead of a number."""

from typing import Literal

Effort = Literal["low", "medium", "high"]


def effort(budget: int | None) -> Effort | None:
    """The level that comes closest to `budget` tokens; None leaves it to the model, as a negative one does.

    Nothing at all becomes `low`, the least that every model with levels takes.
    """
    if budget is None or budget < 0:
        return None
    return "low" if budget <= 1024 else "medium" if budget <= 8192 else "high"
