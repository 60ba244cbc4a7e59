"""Runs, with one result for each question asked."""

from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint

from evals_app.models.datasets import Case, DatasetVersion


class EvalRun(models.Model):
    """Versions of a prompt asked all cases of a dataset, `repeats` times; the first one is the baseline."""

    class State(models.TextChoices):
        RUNNING = "running"
        DONE = "done"
        CANCELLED = "cancelled"
        CAPPED = "capped", "stopped at its cap"

    dataset_version = models.ForeignKey(DatasetVersion, models.PROTECT, related_name="runs")
    versions = models.JSONField()
    digests = models.JSONField(default=dict)
    """Version -> SHA-256 of what it said when the run began: a draft may change in the middle."""
    model = models.CharField(max_length=128, blank=True, help_text="instead of the versions' own")
    judged_by = models.CharField(max_length=64, blank=True)
    """SHA-256 of the evaluators and of the models that they ask; "" for a run of an earlier release."""
    repeats = models.PositiveSmallIntegerField(default=1)
    concurrency = models.PositiveSmallIntegerField(default=8, help_text="questions open at a time")
    state = models.CharField(max_length=9, choices=State, default=State.RUNNING)
    total = models.PositiveIntegerField()
    finished = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    estimate_usd = models.DecimalField("estimate", max_digits=18, decimal_places=10, null=True)
    cap_usd = models.DecimalField("cap", max_digits=12, decimal_places=4)
    spent_usd = models.DecimalField("spent", max_digits=18, decimal_places=10, default=0)
    started_by = models.CharField(max_length=150)
    stopped_by = models.CharField(max_length=150, blank=True)
    created_at = models.DateTimeField("started", auto_now_add=True)
    finished_at = models.DateTimeField(null=True)
    report = models.JSONField(null=True)

    class Meta:
        ordering = ("-id",)
        verbose_name = "run"
        constraints = [
            CheckConstraint(
                condition=Q(state__in=["running", "done", "cancelled", "capped"]), name="run_state"
            ),
            CheckConstraint(condition=Q(finished__lte=models.F("total")), name="run_finished"),
        ]

    def __str__(self) -> str:
        return f"run {self.pk}"


class EvalResult(models.Model):
    """One question of a run: open, with a lane, or answered and scored."""

    class State(models.TextChoices):
        OPEN = "open"
        ASKED = "asked"
        DONE = "done"

    run = models.ForeignKey(EvalRun, models.CASCADE, related_name="results")
    version = models.CharField(max_length=32)
    case = models.ForeignKey(Case, models.PROTECT, related_name="results")
    repeat = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=5, choices=State, default=State.OPEN)
    lane = models.UUIDField(null=True)
    leased_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    request_id = models.CharField(max_length=128, blank=True)
    output = models.TextField(blank=True)
    finish_reason = models.CharField(max_length=32, blank=True)
    error = models.TextField(blank=True)
    latency_ms = models.FloatField("latency (ms)", null=True)
    cost_usd = models.DecimalField("cost", max_digits=18, decimal_places=10, null=True)
    judging_usd = models.DecimalField("judging", max_digits=18, decimal_places=10, default=0)
    scores = models.JSONField(default=dict)
    """Evaluator -> {"value", "passed", "reason", "error"}."""
    score = models.FloatField(default=0.0)
    passed = models.BooleanField(default=False)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("run", "case", "version", "repeat")
        verbose_name = "result"
        constraints = [
            UniqueConstraint(fields=("run", "version", "case", "repeat"), name="result_once"),
            CheckConstraint(condition=Q(state__in=["open", "asked", "done"]), name="result_state"),
        ]
        indexes = [
            models.Index(fields=("run", "id"), condition=~Q(state="done"), name="result_unanswered"),
            models.Index(fields=("run", "leased_until"), condition=Q(state="asked"), name="result_asked"),
        ]

    def __str__(self) -> str:
        return f"{self.version} on {self.case_id}"
