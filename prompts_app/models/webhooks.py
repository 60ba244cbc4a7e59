"""Who is told of changes, and what is on its way to them."""

import secrets

from django.core.validators import URLValidator
from django.db import models
from django.db.models import CheckConstraint, Q
from django.utils.timezone import now

from prompts_app.models.changes import PromptChange


def new_secret() -> str:
    return secrets.token_hex(32)


class Webhook(models.Model):
    """An address that is told of every change."""

    url = models.CharField(
        "URL",
        max_length=500,
        validators=[URLValidator(schemes=["http", "https"])],
        help_text="Each change of any prompt is posted there.",
    )
    description = models.CharField(max_length=200, blank=True)
    secret = models.CharField(max_length=64, default=new_secret, editable=False)
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        ordering = ["url"]

    def __str__(self) -> str:
        return self.url


class WebhookDelivery(models.Model):
    """One change for one webhook, and how far it has come. Workflow is in webhooks.py."""

    class State(models.TextChoices):
        WAITING = "waiting"
        DELIVERED = "delivered"
        GIVEN_UP = "given up"

    webhook = models.ForeignKey(Webhook, models.CASCADE, related_name="deliveries")
    change = models.ForeignKey(PromptChange, models.CASCADE, related_name="deliveries")
    state = models.CharField(max_length=9, choices=State, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(default=now)
    status = models.PositiveSmallIntegerField(null=True)
    """The receiver's last HTTP status."""
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(default=now)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "webhook deliveries"
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["next_at"], name="delivery_waiting", condition=Q(state="waiting")),
            models.Index(fields=["ended_at"], name="delivery_ended"),
        ]
        constraints = [
            CheckConstraint(
                condition=Q(state="waiting", ended_at=None)
                | Q(state__in=["delivered", "given up"], ended_at__isnull=False),
                name="delivery_state",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.change} to {self.webhook}"
