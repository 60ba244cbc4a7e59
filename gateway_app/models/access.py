"""Projects and their keys."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q


class Project(models.Model):
    """A tenant: keys, cache and ledger are its own."""

    name = models.SlugField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    content_percent = models.PositiveSmallIntegerField(
        "keep the content of (%)",
        default=0,
        validators=[MaxValueValidator(100)],
        help_text="Of how many calls messages and reply are kept, masked. 0: of none.",
    )
    content_days = models.PositiveSmallIntegerField(
        "keep content for (days)",
        default=30,
        validators=[MinValueValidator(1), MaxValueValidator(3650)],
    )

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(content_percent__lte=100), name="content_percent_to_100"),
            models.CheckConstraint(condition=Q(content_days__range=(1, 3650)), name="content_days_1_to_3650"),
        ]

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
    allowed_models = models.JSONField(default=list, blank=True, help_text="None means all.")
    allowed_prompts = models.JSONField(default=list, blank=True, help_text="None means all.")
    requests_per_minute = models.PositiveIntegerField(null=True, blank=True)
    tokens_per_minute = models.PositiveIntegerField(null=True, blank=True)
    concurrent_requests = models.PositiveIntegerField(null=True, blank=True)
    daily_budget_usd = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)
    monthly_budget_usd = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)

    class Meta:
        verbose_name = "API key"
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"{self.name} (gw_{self.id}_…)"


class AccessRevision(models.Model):
    """One row; triggers count it up when a project, a key or a price changes, so that workers can poll it."""

    number = models.BigIntegerField(default=0)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.number)
