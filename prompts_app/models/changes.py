"""What was done to prompts, and what is planned."""

from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint
from django.utils.timezone import now

from prompts_app.models.prompts import Prompt


class PromptChange(models.Model):
    """Who changed what, when and why. The database refuses to change or delete a row."""

    class Door(models.TextChoices):
        ADMIN = "admin"
        REST = "rest"
        COMMAND = "command"
        SCHEDULE = "schedule"

    prompt = models.ForeignKey(Prompt, models.PROTECT, related_name="changes")
    version = models.CharField(max_length=32, blank=True)
    """Label, where the change is about one version."""
    verb = models.CharField(max_length=32)
    actor = models.CharField(max_length=150)
    door = models.CharField(max_length=8, choices=Door)
    at = models.DateTimeField(default=now)
    why = models.TextField(blank=True)
    before = models.JSONField()
    after = models.JSONField()
    revision = models.PositiveBigIntegerField()
    """The prompt's revision that this change made."""

    class Meta:
        verbose_name = "change"
        ordering = ["-id"]
        constraints = [
            CheckConstraint(
                condition=Q(door__in=["admin", "rest", "command", "schedule"]), name="change_door"
            ),
            UniqueConstraint(fields=["prompt", "revision"], name="change_revision_once"),
        ]

    def __str__(self) -> str:
        return f"{self.prompt}: {self.verb} {self.version}".rstrip()


class ScheduledChange(models.Model):
    """What shall be done to a prompt at a time, and what came of it. Workflow is in scheduling.py."""

    class Action(models.TextChoices):
        PUBLISH = "publish", "Publish"
        MAKE_LIVE = "make_live", "Make live"
        SPLIT = "split", "Split traffic"

    class State(models.TextChoices):
        WAITING = "waiting"
        DONE = "done"
        REFUSED = "refused"
        CANCELLED = "cancelled"

    prompt = models.ForeignKey(Prompt, models.PROTECT, related_name="scheduled")
    action = models.CharField(max_length=9, choices=Action)
    version = models.CharField(max_length=32, blank=True)
    """Label; empty where the action is a split."""
    digest = models.CharField(max_length=64, blank=True, db_default="")
    """Of the draft that is to be published, as it was when that was planned."""
    split = models.JSONField(default=dict, blank=True)
    at = models.DateTimeField()
    author = models.CharField(max_length=150)
    why = models.TextField(blank=True)
    state = models.CharField(max_length=9, choices=State, default=State.WAITING)
    outcome = models.TextField(blank=True)
    """Why it was refused."""
    created_at = models.DateTimeField(default=now)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["at", "id"]
        default_permissions = ()
        indexes = [models.Index(fields=["at"], name="scheduled_waiting", condition=Q(state="waiting"))]
        constraints = [
            CheckConstraint(
                condition=Q(action__in=["publish", "make_live", "split"]), name="scheduled_action"
            ),
            CheckConstraint(
                condition=Q(state="waiting", ended_at=None)
                | Q(state__in=["done", "refused", "cancelled"], ended_at__isnull=False),
                name="scheduled_state",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_action_display()} {self.version}".rstrip()
