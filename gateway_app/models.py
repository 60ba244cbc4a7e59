"""Projects and their keys, and the ledger."""

from django.db import models

from gateway_app.ids import uuid7


class Project(models.Model):
    """A tenant: keys, cache and ledger are its own."""

    name = models.SlugField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class ApiKey(models.Model):
    """A caller's key, `gw_<id>_<secret>`; the secret is kept as its SHA-256 and was shown once."""

    id = models.CharField("key id", primary_key=True, max_length=16)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="keys")
    name = models.CharField(max_length=100)
    secret_hash = models.CharField(max_length=64, editable=False)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = "API key"
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"{self.name} (gw_{self.id}_…)"


class AccessRevision(models.Model):
    """One row; a trigger counts it up whenever a project or a key changes, so that workers can poll it."""

    number = models.BigIntegerField(default=0)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.number)


class Call(models.Model):
    """One call: what was asked of whom, what came of it, what it cost. Written once, never changed."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    created_at = models.DateTimeField(db_index=True)
    request_id = models.CharField(max_length=128, db_index=True)
    project = models.ForeignKey(
        Project, null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="calls"
    )
    key = models.ForeignKey(
        ApiKey, null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="calls"
    )
    surface = models.CharField(max_length=16)
    streamed = models.BooleanField()
    prompt_name = models.CharField("prompt", max_length=64, null=True)  # noqa: DJ001 - no prompt is not ""
    prompt_version = models.CharField("version", max_length=32, null=True)  # noqa: DJ001
    phase = models.PositiveIntegerField(null=True)
    provider = models.CharField(max_length=32, null=True)  # noqa: DJ001
    model = models.CharField(max_length=128, null=True)  # noqa: DJ001
    model_served = models.CharField(max_length=128, null=True)  # noqa: DJ001
    temperature = models.FloatField(null=True)
    max_tokens = models.PositiveIntegerField(null=True)
    input_tokens = models.PositiveIntegerField(default=0)
    cached_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    thinking_tokens = models.PositiveIntegerField(default=0)
    total_tokens = models.PositiveIntegerField(default=0)
    cost_usd = models.DecimalField(
        "cost",
        max_digits=18,
        decimal_places=10,
        null=True,
        help_text="USD; empty where the price is not known",
    )
    saved_usd = models.DecimalField("saved", max_digits=18, decimal_places=10, null=True)
    latency_ms = models.FloatField("latency (ms)")
    time_to_first_token_ms = models.FloatField("first token (ms)", null=True)
    upstream_ms = models.FloatField("upstream (ms)", default=0)
    cache = models.CharField(max_length=16, null=True)  # noqa: DJ001
    outcome = models.CharField(max_length=16)
    error_code = models.CharField(max_length=64, null=True)  # noqa: DJ001
    finish_reason = models.CharField(max_length=32, null=True)  # noqa: DJ001
    attempts = models.JSONField(default=list)

    class Meta:
        ordering = ("-created_at",)
        indexes = [models.Index(fields=("prompt_name", "prompt_version", "created_at"))]

    def __str__(self) -> str:
        return self.request_id
