"""What workers do for prompts, every few seconds. Each task may come twice, or on two workers at once."""

from celery import shared_task
from django.utils import timezone

from prompts_app import scheduling


@shared_task(name="prompts.apply_scheduled")
def apply_scheduled() -> None:
    scheduling.apply_due(until=timezone.now())
