"""What the clock strikes is there to be done."""

from django.conf import settings

from llmgateway.celery import app


def test_every_task_of_the_clock_is_registered() -> None:
    app.loader.import_default_modules()
    asked = {entry["task"] for entry in app.conf.beat_schedule.values()}
    assert asked == set(settings.CLOCK)
    assert asked <= set(app.tasks)
