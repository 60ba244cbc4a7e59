"""What has been purged from the response cache."""

from django.db import models


class CachePurge(models.Model):
    """How often a part of the cache was purged. The number is in every key: older replies are never found."""

    class Kind(models.TextChoices):
        PROJECT = "project"
        PROMPT = "prompt"
        MODEL = "model"

    kind = models.CharField(max_length=8, choices=Kind.choices)
    name = models.CharField(max_length=128)
    number = models.PositiveIntegerField(default=0, editable=False)
    purged_at = models.DateTimeField(auto_now=True)
    purged_by = models.CharField(max_length=150, editable=False)

    class Meta:
        ordering = ("-purged_at",)
        constraints = [models.UniqueConstraint(fields=("kind", "name"), name="one_purge_a_part")]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"
