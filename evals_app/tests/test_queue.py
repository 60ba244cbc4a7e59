"""What waits for workers, and in which order."""

from collections.abc import Iterator

import pytest

from evals_app import tasks
from llmgateway.celery import app
from prompts_app.tasks import apply_scheduled

LANE = "evals.answer_questions"


@pytest.fixture(autouse=True)
def empty_queue() -> Iterator[None]:
    app.control.purge()
    yield
    app.control.purge()


def waiting() -> list[str]:
    """The tasks in the queue, in the order in which a worker gets them."""
    found = []
    with app.connection() as broker:
        while message := broker.default_channel.basic_get(app.conf.task_default_queue, no_ack=True):
            found.append(message.headers["task"])
    return found


def test_what_the_clock_asks_for_goes_before_the_questions_of_runs() -> None:
    tasks.hand_out(1)
    apply_scheduled.delay()
    tasks.hand_out(2)
    assert waiting() == ["prompts.apply_scheduled", LANE, LANE, LANE, LANE]
