"""What tests of evaluation share."""

import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import pytest

from evals_app.evaluators.base import Question, Reply, Sample
from evals_app.evaluators.checks import Tools


class Answers:
    """A model that gives prepared answers and remembers what it was asked."""

    def __init__(self, *answers: Any) -> None:
        self.answers = [answer if isinstance(answer, str) else json.dumps(answer) for answer in answers]
        self.questions: list[Question] = []

    async def __call__(self, question: Question) -> Reply:
        self.questions.append(question)
        return Reply(text=self.answers[len(self.questions) - 1], cost_usd=Decimal("0.001"))


async def letters(texts: Sequence[str]) -> Sequence[Sequence[float]]:
    """Embeds a text by how often it holds a, b and c."""
    return [[float(text.count(letter)) for letter in "abc"] for text in texts]


@pytest.fixture
def tools() -> Callable[..., Tools]:
    return lambda *answers: Tools(complete=Answers(*answers), embed=letters)


@pytest.fixture
def sample() -> Callable[..., Sample]:
    return lambda output="", **known: Sample(output=output, **known)
