"""Who is told of changes, and what is on its way to them.

A webhook is no prompt and has no history; the log says who changed one.
"""

from datetime import datetime, timedelta

import structlog
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils import timezone

from prompts_app.content import is_storable
from prompts_app.exceptions import ChangeRefused
from prompts_app.models import PromptChange, Webhook, WebhookDelivery

KEPT = timedelta(days=30)
log = structlog.get_logger()


def save_webhook(hook: Webhook, *, actor: str, door: str) -> Webhook:
    """Raises `ChangeRefused` that names every wrong field. Where it leads is checked with each delivery."""
    if not is_storable(f"{hook.url}{hook.description}"):
        raise ChangeRefused("the webhook holds a character that cannot be stored")
    try:
        hook.full_clean()
    except ValidationError as exc:
        said = exc.message_dict.items()
        raise ChangeRefused("; ".join(f"{name}: {' '.join(found)}" for name, found in said)) from exc
    hook.save()
    log.info("webhook_saved", webhook=hook.pk, active=hook.active, actor=actor, door=door)
    return hook


def delete_webhook(hook: Webhook, *, actor: str, door: str) -> None:
    """With its deliveries."""
    log.info("webhook_deleted", webhook=hook.pk, actor=actor, door=door)
    hook.delete()


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
