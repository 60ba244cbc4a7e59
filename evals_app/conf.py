"""The app's settings as typed values: the only reader of `django.conf.settings` here."""

from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalSettings:
    directory: Path
    """Where the seeded datasets are."""
    judge_model: str
    embedding_model: str
    cap_usd: Decimal
    """What a run may cost where nobody says otherwise."""
    lanes: int
    """Tasks that work on one run side by side."""


@cache
def evals() -> EvalSettings:
    given: dict[str, Any] = settings.EVALS
    return EvalSettings(
        directory=Path(given["DIRECTORY"]),
        judge_model=given["JUDGE_MODEL"],
        embedding_model=given["EMBEDDING_MODEL"],
        cap_usd=Decimal(given["CAP_USD"]),
        lanes=given["LANES"],
    )
