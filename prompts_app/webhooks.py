"""Who is told of changes, and what is on its way to them."""

from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from prompts_app.models import PromptChange, Webhook, WebhookDelivery

KEPT = timedelta(days=30)


def announce(change: PromptChange) -> None:
    """Notes a delivery to every active webhook, in the transaction of the change."""
    hooks = Webhook.objects.filter(active=True)
    WebhookDelivery.objects.bulk_create(WebhookDelivery(webhook=hook, change=change) for hook in hooks)


def send_again(deliveries: QuerySet[WebhookDelivery]) -> int:
    """Makes them due at once, with all attempts before them; returns how many."""
    return deliveries.update(
        state=WebhookDelivery.State.WAITING, attempts=0, next_at=timezone.now(), ended_at=None
    )


def forget_old(*, now: datetime) -> None:
    """Deletes what ended longer ago than `KEPT`."""
    WebhookDelivery.objects.filter(ended_at__lt=now - KEPT).delete()
