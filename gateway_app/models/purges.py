"""What has been purged from the response cache."""

from django.db import models


class CachePurge(models.Model):
    """A part of the cache was forgotten. How often is in every key: older replies are never found."""

    class Kind(models.TextChoices):
        PROJECT = "project"
        PROMPT = "prompt"
        MODEL = "model"

    kind = models.CharField(max_length=8, choices=Kind.choices)
    name = models.CharField(max_length=128)
    purged_at = models.DateTimeField(auto_now_add=True)
    purged_by = models.CharField(max_length=150, editable=False)

    class Meta:
        ordering = ("-purged_at",)
        indexes = [models.Index(fields=("kind", "name"))]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"
