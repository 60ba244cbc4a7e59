"""What models cost."""

from typing import Any

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q

RATE: dict[str, Any] = {"max_digits": 12, "decimal_places": 6, "validators": [MinValueValidator(0)]}


class ModelPrice(models.Model):
    """USD per million tokens of one model, from a moment on. Never changed: a new price is a new row."""

    model = models.CharField(max_length=128)
    starts_at = models.DateTimeField("holds from", help_text="Until the model's next price begins.")
    input = models.DecimalField("input", **RATE)
    cached = models.DecimalField("cached input", null=True, blank=True, **RATE)
    output = models.DecimalField("output, thinking included", **RATE)
    long_input = models.DecimalField("input over 200k", null=True, blank=True, **RATE)
    long_cached = models.DecimalField("cached input over 200k", null=True, blank=True, **RATE)
    long_output = models.DecimalField("output over 200k", null=True, blank=True, **RATE)
    audio_input = models.DecimalField("audio input", null=True, blank=True, **RATE)
    audio_cached = models.DecimalField("cached audio", null=True, blank=True, **RATE)
    audio_output = models.DecimalField("audio output", null=True, blank=True, **RATE)
    author = models.CharField(max_length=150, editable=False)
    note = models.CharField(max_length=200, blank=True, help_text="Where the figures are from.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "model price"
        ordering = ("model", "-starts_at")
        constraints = [
            models.UniqueConstraint(fields=("model", "starts_at"), name="one_price_at_a_time"),
            models.CheckConstraint(
                condition=Q(*((f"{name}__gte", 0) for name in ("input", "output"))), name="price_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(long_input=None, long_cached=None, long_output=None)
                | Q(long_input__isnull=False, long_output__isnull=False),
                name="long_context_price_whole",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model} from {self.starts_at:%Y-%m-%d}"
