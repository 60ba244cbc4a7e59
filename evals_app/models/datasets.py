"""Datasets in versions that never change."""

from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint

from evals_app.datasets import NAME, CaseContent, DatasetContent, kept


class Dataset(models.Model):
    """What callers name; its newest version is what counts."""

    name = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name",)
        constraints = [CheckConstraint(condition=Q(name__regex=f"^{NAME}$"), name="dataset_name")]

    def __str__(self) -> str:
        return self.name


class DatasetVersion(models.Model):
    """One state of a dataset. A change makes another one, so that old reports stay true."""

    dataset = models.ForeignKey(Dataset, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    prompt = models.CharField(max_length=64)
    description = models.TextField(blank=True)
    primary = models.CharField(max_length=64)
    margin = models.FloatField()
    guardrails = models.JSONField(default=dict)
    evaluators = models.JSONField()
    digest = models.CharField(max_length=64)
    author = models.CharField(max_length=150)
    why = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("dataset", "-number")
        constraints = [UniqueConstraint(fields=("dataset", "number"), name="dataset_version_once")]

    def __str__(self) -> str:
        return f"{self.dataset} #{self.number}"

    @property
    def compares_pairs(self) -> bool:
        return any(evaluator["kind"] == "pairwise" for evaluator in self.evaluators)

    @property
    def content(self) -> DatasetContent:
        cases = self.cases.order_by("position").values(*CaseContent.__struct_fields__)
        return kept(
            {
                "name": self.dataset.name,
                "prompt": self.prompt,
                "description": self.description,
                "primary": self.primary,
                "margin": self.margin,
                "guardrails": self.guardrails,
                "evaluators": self.evaluators,
                "cases": list(cases),
            }
        )


class Case(models.Model):
    """One input and what is expected of its answer."""

    version = models.ForeignKey(DatasetVersion, models.CASCADE, related_name="cases")
    position = models.PositiveIntegerField()
    key = models.CharField(max_length=100)
    variables = models.JSONField(default=dict)
    messages = models.JSONField(default=list)
    expected = models.JSONField(null=True)
    tags = models.JSONField(default=list)
    critical = models.BooleanField(default=False)
    call = models.CharField(max_length=36, blank=True, help_text="that it was taken from")

    class Meta:
        ordering = ("version", "position")
        constraints = [UniqueConstraint(fields=("version", "key"), name="case_key_once")]

    def __str__(self) -> str:
        return self.key
