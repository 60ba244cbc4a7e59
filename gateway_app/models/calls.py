"""The ledger: calls, what was said in some of them, and what people thought of it."""

from django.db import models
from django.db.models import Q

from gateway_app.ids import uuid7
from gateway_app.models.access import ApiKey, Project
from gateway_app.models.prices import ModelPrice
from gateway_app.requests import OPEN


def of_project(project: int | None) -> Q:
    """Which calls, or rollups, a project may see. None: those of anonymous callers, not of our own people."""
    return Q(project_id=None, surface__in=OPEN) if project is None else Q(project_id=project)


class Call(models.Model):
    """One call: what was asked of whom, what came of it, what it cost. Written once, never changed.

    The table is partitioned by month of `created_at`, so its key is (id, created_at). No row refers to
    another table by a constraint: a project may go, its calls stay, and names are kept beside the ids.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    created_at = models.DateTimeField("at")
    request_id = models.CharField(max_length=128)
    project = models.ForeignKey(
        Project,
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="calls",
    )
    project_name = models.CharField("project", max_length=64, default="")
    key = models.ForeignKey(
        ApiKey,
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="calls",
    )
    key_name = models.CharField("key", max_length=100, null=True)  # noqa: DJ001 - no key is not ""
    surface = models.CharField(max_length=16)
    streamed = models.BooleanField()
    session_id = models.CharField(max_length=256, null=True)  # noqa: DJ001
    unit_hash = models.CharField(max_length=16, null=True)  # noqa: DJ001
    trace_id = models.CharField(max_length=32, null=True)  # noqa: DJ001
    prompt_name = models.CharField("prompt", max_length=64, null=True)  # noqa: DJ001
    prompt_version = models.CharField("version", max_length=32, null=True)  # noqa: DJ001
    phase = models.PositiveIntegerField(null=True)
    arm_reason = models.CharField(max_length=32, null=True)  # noqa: DJ001
    provider = models.CharField(max_length=32, null=True)  # noqa: DJ001
    model = models.CharField(max_length=128, null=True)  # noqa: DJ001
    model_served = models.CharField(max_length=128, null=True)  # noqa: DJ001
    temperature = models.FloatField(null=True)
    max_tokens = models.PositiveIntegerField(null=True)
    parameters = models.JSONField("other parameters", default=dict)
    input_tokens = models.PositiveIntegerField(default=0)
    cached_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    thinking_tokens = models.PositiveIntegerField(default=0)
    total_tokens = models.PositiveIntegerField(default=0)
    input_audio_tokens = models.PositiveIntegerField(default=0, db_default=0)
    cached_audio_tokens = models.PositiveIntegerField(default=0, db_default=0)
    output_audio_tokens = models.PositiveIntegerField(default=0, db_default=0)
    input_image_tokens = models.PositiveIntegerField(default=0, db_default=0)
    output_image_tokens = models.PositiveIntegerField(default=0, db_default=0)
    cost_usd = models.DecimalField(
        "cost",
        max_digits=18,
        decimal_places=10,
        null=True,
        help_text="USD; empty where the price is not known",
    )
    saved_usd = models.DecimalField("saved", max_digits=18, decimal_places=10, null=True)
    price = models.ForeignKey(
        ModelPrice, null=True, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    parse_ms = models.FloatField("parsing (ms)", null=True)
    latency_ms = models.FloatField("latency (ms)")
    time_to_first_token_ms = models.FloatField("first token (ms)", null=True)
    upstream_ms = models.FloatField("upstream (ms)", default=0)
    cache = models.CharField(max_length=16, null=True)  # noqa: DJ001
    cache_key = models.CharField(max_length=64, null=True)  # noqa: DJ001
    outcome = models.CharField(max_length=16)
    error_code = models.CharField(max_length=64, null=True)  # noqa: DJ001
    finish_reason = models.CharField(max_length=32, null=True)  # noqa: DJ001
    steps = models.JSONField(default=list)
    attempts = models.JSONField(default=list)

    class Meta:
        ordering = ("-created_at",)
        indexes = [
            models.Index(fields=("created_at",), name="call_at"),
            models.Index(fields=("request_id",), name="call_request"),
            models.Index(fields=("prompt_name", "prompt_version", "created_at"), name="call_prompt_at"),
            models.Index(fields=("key", "created_at"), include=("cost_usd",), name="call_key_spend"),
            models.Index(
                fields=("cache", "created_at"),
                name="call_rare_cache_at",
                condition=Q(cache__in=("COALESCED", "BYPASS")),
            ),
            models.Index(
                fields=("outcome", "created_at"), name="call_trouble_at", condition=~Q(outcome="ok")
            ),
        ]

    def __str__(self) -> str:
        return self.request_id

    @classmethod
    def named(cls, request_id: str, *, project: int | None) -> "models.QuerySet[Call]":
        """Those of a project under a name that comes from outside: Postgres refuses to look for a NUL."""
        mine = cls.objects.filter(of_project(project))
        return mine.none() if "\0" in request_id else mine.filter(request_id=request_id)


class CallContent(models.Model):
    """What was said in a call: only of projects that keep it, only of a sample, masked, and for a while."""

    id = models.UUIDField("call", primary_key=True, editable=False)
    project = models.ForeignKey(
        Project, on_delete=models.DO_NOTHING, db_constraint=False, related_name="contents"
    )
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    messages = models.JSONField()
    reply = models.TextField(null=True)  # noqa: DJ001 - no reply is not an empty one
    tool_calls = models.JSONField(default=list)
    variables = models.JSONField(null=True, help_text="what the prompt was filled with")

    def __str__(self) -> str:
        return str(self.id)


class Feedback(models.Model):
    """What somebody thought of a call, and so of its prompt version. The newest word under a name holds.

    It finds its call by project and request id, for it may be here before the call is.
    """

    class Kind(models.TextChoices):
        THUMBS = "thumbs"
        NUMBER = "number"
        TEXT = "text"

    project = models.ForeignKey(
        Project, null=True, on_delete=models.CASCADE, related_name="feedback", editable=False
    )
    request_id = models.CharField(max_length=128)
    name = models.CharField(max_length=64)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    number = models.FloatField(null=True, help_text="1 or 0 for thumbs")
    text = models.TextField(null=True)  # noqa: DJ001 - one of the two values is absent
    comment = models.TextField(blank=True)
    key_name = models.CharField("key", max_length=100, null=True)  # noqa: DJ001
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name_plural = "feedback"
        ordering = ("-updated_at",)
        constraints = [
            models.UniqueConstraint(
                fields=("project", "request_id", "name"), name="feedback_once", nulls_distinct=False
            ),
            models.CheckConstraint(
                condition=Q(kind="text", text__isnull=False, number=None)
                | Q(kind__in=("thumbs", "number"), text=None, number__isnull=False),
                name="feedback_value_of_its_kind",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.request_id}"
