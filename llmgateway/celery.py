"""The task queue: `celery -A llmgateway.celery worker` does what evaluation runs hand out."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "llmgateway.settings")

app = Celery("llmgateway")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

# What one beat put into the queue is void when the next one comes: a queue without workers does not grow.
app.conf.beat_schedule = {
    "do the scheduled changes that are due": {
        "task": "prompts.apply_scheduled",
        "schedule": 5.0,
        "options": {"expires": 5},
    },
    "tell webhooks of prompt changes": {
        "task": "prompts.deliver_webhooks",
        "schedule": 5.0,
        "options": {"expires": 5},
    },
}
