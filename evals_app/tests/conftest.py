"""What tests of evaluation share."""

import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any

import pytest

from evals_app import datasets, services
from evals_app.evaluators.base import Question, Reply, Sample, Vectors
from evals_app.evaluators.checks import Tools
from evals_app.models import DatasetVersion
from gateway_app.testing.simulator import Simulator
from llmgateway.celery import app as celery
from prompts_app import services as prompts
from prompts_app.changes import By
from prompts_app.content import VersionContent


class Answers:
    """A model that gives prepared answers and remembers what it was asked."""

    def __init__(self, *answers: Any) -> None:
        self.answers = [answer if isinstance(answer, str) else json.dumps(answer) for answer in answers]
        self.questions: list[Question] = []

    async def __call__(self, question: Question) -> Reply:
        self.questions.append(question)
        return Reply(text=self.answers[len(self.questions) - 1], cost_usd=Decimal("0.001"))


async def letters(texts: Sequence[str]) -> Vectors:
    """Embeds a text by how often it holds a, b and c."""
    return Vectors(values=[[float(text.count(letter)) for letter in "abc"] for text in texts])


@pytest.fixture
def tools() -> Callable[..., Tools]:
    return lambda *answers: Tools(complete=Answers(*answers), embed=letters)


@pytest.fixture
def sample() -> Callable[..., Sample]:
    return lambda output="", **known: Sample(output=output, **known)


@pytest.fixture
def queued() -> Iterator[Callable[[], list[str]]]:
    """Takes the names of the tasks out of the queue, as workers get them; it is empty before and after."""

    def take() -> list[str]:
        found = []
        with celery.connection() as broker:
            while message := broker.default_channel.basic_get(celery.conf.task_default_queue, no_ack=True):
                found.append(message.headers["task"])
        return found

    celery.control.purge()
    yield take
    celery.control.purge()


ADA: By = {"actor": "ada", "door": "admin", "why": "because"}


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator() as running:
        yield running


@pytest.fixture
def vendor(simulator: Simulator, settings: Any) -> Simulator:
    """The simulator as the only vendor of gateways that are built from now on."""
    options = {"api_key": "for-tests", "base_url": simulator.url}
    settings.PROVIDERS = {"gemini": settings.PROVIDERS["gemini"] | {"OPTIONS": options}}
    return simulator


@pytest.fixture
def prompt(transactional_db: None) -> str:
    """A published prompt in two versions: `v1` repeats the text, `v2` a longer one."""
    name = "echo"
    prompts.create_prompt(name=name, **ADA)
    for label, wording in (("v1", "Repeat: {{text}}"), ("v2", "Repeat: {{text}} {{text}}")):
        content = VersionContent(user=wording, parameters={"max_tokens": 50})
        prompts.save_draft(prompt=name, version=label, content=content, **ADA)
        prompts.publish_version(prompt=name, version=label, **ADA)
    prompts.activate_version(prompt=name, version="v1", **ADA)
    return name


@pytest.fixture
def dataset(prompt: str) -> Callable[..., DatasetVersion]:
    """Saves a dataset of the prompt: `dataset(cases=3)`."""

    def one_case(number: int) -> dict[str, Any]:
        word = f"word{number}"
        return {"key": f"c{number}", "variables": {"text": word}, "expected": {"words": [word]}}

    def save(count: int = 3, **changes: Any) -> DatasetVersion:
        plain = {
            "name": "echoes",
            "prompt": prompt,
            "evaluators": [{"kind": "contains_all", "expected": "words"}],
            "cases": [one_case(number) for number in range(count)],
        }
        return services.save_dataset(datasets.read(plain | changes), actor="ada")

    return save
