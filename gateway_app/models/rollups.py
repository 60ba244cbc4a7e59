"""Calls summed up, for everything that asks about many of them."""

from decimal import Decimal
from typing import Any

from django.db import models


class HistogramField(models.Field):  # type: ignore[type-arg]
    """`gateway_app.histogram` as a number of any length."""

    def db_type(self, connection: Any) -> str:
        return "numeric"


class Rollup(models.Model):
    """The calls of one hour, day or month (UTC) that are alike in project, key, surface, version and model.

    Made from `Call` as a whole and replaced as a whole; see `gateway_app.rollups`.
    """

    class Period(models.TextChoices):
        HOUR = "hour"
        DAY = "day"
        MONTH = "month"

    period = models.CharField(max_length=5, choices=Period.choices)
    start = models.DateTimeField()
    project_id = models.BigIntegerField(null=True)
    key_id = models.CharField(max_length=16, null=True)  # noqa: DJ001 - no key is not ""
    key_name = models.CharField(max_length=100, null=True)  # noqa: DJ001
    surface = models.CharField(max_length=16)
    prompt_name = models.CharField(max_length=64, null=True)  # noqa: DJ001
    prompt_version = models.CharField(max_length=32, null=True)  # noqa: DJ001
    model = models.CharField(max_length=128, null=True)  # noqa: DJ001
    calls = models.BigIntegerField()
    errors = models.BigIntegerField()
    cancelled = models.BigIntegerField()
    hits = models.BigIntegerField()
    input_tokens = models.BigIntegerField()
    cached_tokens = models.BigIntegerField()
    output_tokens = models.BigIntegerField()
    thinking_tokens = models.BigIntegerField()
    input_audio_tokens = models.BigIntegerField(db_default=0)
    output_audio_tokens = models.BigIntegerField(db_default=0)
    input_image_tokens = models.BigIntegerField(db_default=0)
    output_image_tokens = models.BigIntegerField(db_default=0)
    cost_usd = models.DecimalField(max_digits=24, decimal_places=10)
    unpriced = models.BigIntegerField(help_text="Calls whose cost is not known.")
    saved_usd = models.DecimalField(max_digits=24, decimal_places=10)
    latency_ms = models.FloatField(help_text="The sum.")
    latency = HistogramField(db_default=Decimal(0))
    first_token = HistogramField(db_default=Decimal(0))

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=("period", "start", "project_id"), name="rollup_period_start")]

    def __str__(self) -> str:
        return f"{self.period} {self.start:%Y-%m-%d %H:%M}"


class RollupDue(models.Model):
    """A note that an hour has new calls. Any number of notes of one hour may lie here."""

    hour = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H:%M}"
