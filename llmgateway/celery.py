"""The task queue: `celery -A llmgateway.celery worker` does what evaluation runs hand out."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "llmgateway.settings")

app = Celery("llmgateway")
app.config_from_object("django.conf:settings", namespace="CELERY")
# 9 comes last: what the clock asks for is void before workers have gone through the questions of a few runs.
app.conf.task_routes = {"evals.answer_questions": {"priority": 9}}
app.autodiscover_tasks()
