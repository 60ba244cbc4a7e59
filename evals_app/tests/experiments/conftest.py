"""What tests of experiments share: a plan, and calls of units in the arms."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from evals_app.experiments import plans, services
from evals_app.experiments.plans import Plan
from evals_app.models import Experiment
from evals_app.tests.conftest import ADA
from gateway_app.models import Call, Feedback

PLAN: dict[str, Any] = {
    "kind": "experiment",
    "name": "longer",
    "prompt": "echo",
    "hypothesis": "Twice the text helps twice as much.",
    "champion": "v1",
    "weights": {"v1": 50, "v2": 50},
    "primary": "feedback:helpful",
    "mde": 0.05,
    "min_days": 0,
    "guardrails": [{"measure": "errors", "margin": 0.01}, {"measure": "latency", "margin": 0.2}],
}
ROLLOUT: dict[str, Any] = {
    "kind": "rollout",
    "name": "slowly",
    "prompt": "echo",
    "champion": "v1",
    "candidate": "v2",
    "steps": [1, 10, 50, 100],
    "hold_hours": 0,
    "hold_units": 40,
    "guardrails": [{"measure": "errors", "margin": 0.01}, {"measure": "cost", "margin": 0.5}],
}


def plan(**changes: Any) -> Plan:
    return plans.read(PLAN | changes)


def rollout(**changes: Any) -> Plan:
    return plans.read(ROLLOUT | changes)


@pytest.fixture
def running(prompt: str) -> Callable[..., Experiment]:
    """Saves a plan and starts it."""

    def started(written: Plan) -> Experiment:
        services.save_plan(written, **ADA)
        return services.start(written.name, **ADA)

    return started


def calls(version: str, units: int, *, phase: int, each: int = 1, helpful: float | None = None, **known: Any):
    """`each` calls of so many new units of an arm, in the ledger; the first share of them was helped."""
    usual = {
        "created_at": timezone.now(),
        "surface": "chat",
        "streamed": False,
        "prompt_name": "echo",
        "prompt_version": version,
        "phase": phase,
        "arm_reason": "split",
        "latency_ms": 500.0,
        "cost_usd": "0.0001",
        "total_tokens": 100,
        "cache": "MISS",
        "outcome": "ok",
    }
    rows = [
        Call(request_id=uuid4().hex, **{"unit_hash": hashed, "session_id": "s"} | usual | known)
        for hashed in (uuid4().hex[:16] for _ in range(units))
        for _ in range(each)
    ]
    Call.objects.bulk_create(rows, batch_size=2000)
    if helpful is not None:
        Feedback.objects.bulk_create(
            Feedback(
                request_id=row.request_id,
                name="helpful",
                kind="thumbs",
                number=float(place < helpful * len(rows)),
            )
            for place, row in enumerate(rows)
        )
    return rows


def ago(**time: float):
    return timezone.now() - timedelta(**time)
