"""Experiments and rollouts: a plan, where it stands, what was seen, and who did what to it."""

from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint
from django.utils.timezone import now

from evals_app.experiments import plans
from evals_app.experiments.plans import NAME, ExperimentPlan, Plan, RolloutPlan


class Experiment(models.Model):
    """A split of one prompt's traffic with a plan: arms beside each other, or a candidate that grows."""

    class Kind(models.TextChoices):
        EXPERIMENT = "experiment"
        ROLLOUT = "rollout"

    class State(models.TextChoices):
        DRAFT = "draft"
        RUNNING = "running"
        PAUSED = "paused"
        STOPPED = "stopped"
        SHIPPED = "shipped"
        KEPT = "kept", "champion kept"
        BACK = "back", "rolled back"

    LIVE = (State.RUNNING, State.PAUSED)

    name = models.CharField(max_length=64, unique=True)
    kind = models.CharField(max_length=10, choices=Kind)
    prompt = models.CharField(max_length=64)
    plan = models.JSONField()
    """Never changed once it is started."""
    state = models.CharField(max_length=8, choices=State, default=State.DRAFT)
    phase = models.PositiveIntegerField(null=True)
    """The prompt's phase whose calls count."""
    phase_since = models.DateTimeField(null=True)
    step = models.PositiveSmallIntegerField(default=0)
    """Of a rollout: its place among the plan's watched steps."""
    planned_units = models.PositiveIntegerField(null=True)
    """Of champion and challenger together; settled at the start."""
    units_a_day = models.FloatField(null=True)
    """As it was at the start."""
    days = models.FloatField(null=True)
    """How long it was expected to take, at the start."""
    created_by = models.CharField(max_length=150)
    created_at = models.DateTimeField(default=now)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    outcome = models.TextField(blank=True)
    """Why it ended, or why it is paused."""
    report = models.JSONField(null=True)
    looked_at = models.DateTimeField("last look", null=True)

    class Meta:
        ordering = ("-id",)
        permissions = (("run_experiment", "Can start, stop and conclude experiments and rollouts"),)
        constraints = (
            CheckConstraint(condition=Q(name__regex=f"^{NAME}$"), name="experiment_name"),
            CheckConstraint(condition=Q(kind__in=["experiment", "rollout"]), name="experiment_kind"),
            CheckConstraint(
                condition=Q(state="draft", phase=None, started_at=None)
                | ~Q(state="draft") & Q(phase__isnull=False, started_at__isnull=False),
                name="experiment_started",
            ),
            CheckConstraint(
                condition=Q(state__in=["draft", "running", "paused"], ended_at=None)
                | Q(state__in=["stopped", "shipped", "kept", "back"], ended_at__isnull=False),
                name="experiment_ended",
            ),
            UniqueConstraint(
                fields=("prompt",), condition=Q(state__in=["running", "paused"]), name="experiment_alone"
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def stands(self) -> str:
        """Its state, within a sentence."""
        return self.get_state_display().lower()

    @property
    def is_live(self) -> bool:
        return self.state in self.LIVE

    @property
    def written(self) -> Plan:
        return plans.read(self.plan)

    @property
    def weights(self) -> dict[str, int]:
        """The shares of the phase that is on."""
        plan = self.written
        if isinstance(plan, ExperimentPlan):
            return plan.weights
        return plan.weights_at(self.step)

    @property
    def rollout(self) -> RolloutPlan | None:
        plan = self.written
        return plan if isinstance(plan, RolloutPlan) else None


class ExperimentEvent(models.Model):
    """Who did what to an experiment, when and why. Never changed."""

    experiment = models.ForeignKey(Experiment, models.CASCADE, related_name="events")
    verb = models.CharField(max_length=16)
    actor = models.CharField(max_length=150)
    door = models.CharField(max_length=8)
    at = models.DateTimeField(default=now)
    why = models.TextField(blank=True)
    phase = models.PositiveIntegerField(null=True)

    class Meta:
        ordering = ("-id",)
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.verb} {self.experiment}"


class Look(models.Model):
    """What one look saw, kept now and then for the chart over time."""

    experiment = models.ForeignKey(Experiment, models.CASCADE, related_name="looks")
    at = models.DateTimeField()
    phase = models.PositiveIntegerField()
    units = models.PositiveIntegerField()
    effects = models.JSONField()
    """Challenger -> measure -> [value, low, high]."""

    class Meta:
        ordering = ("at",)
        default_permissions = ()
        constraints = (UniqueConstraint(fields=("experiment", "at"), name="look_once"),)

    def __str__(self) -> str:
        return f"{self.experiment} at {self.at}"


class Judgement(models.Model):
    """One call that a judge scores: claimed first, so that nobody pays for it twice."""

    class State(models.TextChoices):
        OPEN = "open"
        DONE = "done"
        FAILED = "failed"

    experiment = models.ForeignKey(Experiment, models.CASCADE, related_name="judgements")
    call_id = models.UUIDField()
    request_id = models.CharField(max_length=128)
    project_id = models.BigIntegerField(null=True)
    version = models.CharField(max_length=32)
    phase = models.PositiveIntegerField()
    state = models.CharField(max_length=6, choices=State, default=State.OPEN)
    attempts = models.PositiveSmallIntegerField(default=1)
    leased_until = models.DateTimeField()
    score = models.FloatField(null=True)
    reason = models.TextField(blank=True)
    """The judge's, or why there is no score."""
    cost_usd = models.DecimalField(max_digits=18, decimal_places=10, default=0)

    class Meta:
        default_permissions = ()
        constraints = (UniqueConstraint(fields=("experiment", "call_id"), name="judgement_once"),)
        indexes = (models.Index(fields=("leased_until",), condition=Q(state="open"), name="judgement_open"),)

    def __str__(self) -> str:
        return f"{self.version}: {self.state}"
