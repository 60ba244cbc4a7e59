"""What workers do for prompts, every few seconds. Each task may come twice, or on two workers at once."""

from celery import shared_task
from django.utils import timezone

from prompts_app.scheduling import apply_due
from prompts_app.webhook_sending import deliver_due
from prompts_app.webhooks import forget_old


@shared_task(name="prompts.apply_scheduled")
def apply_scheduled() -> None:
    apply_due(until=timezone.now())


@shared_task(name="prompts.deliver_webhooks")
def deliver_webhooks() -> None:
    now = timezone.now()
    deliver_due(until=now)
    forget_old(now=now)
