"""Hostile texts wherever an experiment shows one, in the database that the environment names."""

import json
from typing import Any
from uuid import uuid4

from django.utils.timezone import now

from evals_app.experiments import plans, services
from evals_app.experiments.looking import look
from evals_app.models import Experiment, Look
from gateway_app.models import Call, Feedback
from llmgateway.tests.security.payloads import MARKUP
from prompts_app.changes import By

ALL = "\n".join(MARKUP)[:2000]
NAMES = {"v1": MARKUP[6], "v2": MARKUP[13]}
"""What the versions are called afterwards: the database knows no such names, reports and drafts may."""
UNITS = 60


def experiments(prompt: str, by: By) -> None:
    """One in each form that its page has: a draft, a rollout, one that ended and was looked at.

    `prompt` has the versions v1 and v2.
    """
    looked_at(prompt, by)
    services.save_plan(plans.read(renamed(experiment("draft", MARKUP[13]))), **by)
    guardrails = [{"measure": "errors", "margin": 0.01}, {"measure": "cost", "margin": 0.5}]
    usual: dict[str, Any] = {"kind": "rollout", "name": "rollout", "prompt": MARKUP[13], "hypothesis": ALL}
    arms = {"champion": NAMES["v1"], "candidate": NAMES["v2"], "guardrails": guardrails}
    services.save_plan(plans.read(usual | arms), **by)


def experiment(name: str, prompt: str) -> dict[str, Any]:
    return {
        "kind": "experiment", "name": name, "prompt": prompt, "hypothesis": ALL,
        "champion": "v1", "weights": {"v1": 50, "v2": 50}, "primary": "feedback:good", "mde": 0.05,
        "min_days": 0, "judge": {"name": "strict", "rubric": ALL},
        "guardrails": [{"measure": "errors", "margin": 0.01}, {"measure": "latency", "margin": 0.2}],
    }  # fmt: skip


def looked_at(prompt: str, by: By) -> None:
    services.save_plan(plans.read(experiment("ended", prompt)), **by)
    row = services.start("ended", **by)
    for label in ("v1", "v2"):
        calls(row, label)
    look(row)
    row = services.stop("ended", **by)
    kept = row.looks.get()
    for number in range(2):
        Look.objects.create(
            experiment=row, at=now(), phase=kept.phase, units=number, effects=renamed(kept.effects)
        )
    report = renamed(row.report)
    for comparison in report["comparisons"]:
        comparison |= {"reason": ALL, "next": ALL, "unknown": [*MARKUP]}
    report["health"]["notes"] = [*MARKUP]
    Experiment.objects.filter(pk=row.pk).update(report=report, plan=renamed(row.plan), outcome=ALL)


def calls(row: Experiment, label: str) -> None:
    made = Call.objects.bulk_create(
        Call(
            created_at=now(), request_id=uuid4().hex, unit_hash=uuid4().hex[:16], session_id="s",
            surface="chat", streamed=False, prompt_name=row.prompt, prompt_version=label, phase=row.phase,
            arm_reason="split", latency_ms=500.0, cost_usd="0.0001", total_tokens=9, cache="MISS",
            outcome="ok",
        )
        for _ in range(UNITS)
    )  # fmt: skip
    Feedback.objects.bulk_create(
        Feedback(request_id=call.request_id, name="good", kind="thumbs", number=float(place % 3 > 0))
        for place, call in enumerate(made)
    )


def renamed(plain: Any) -> Any:
    """The same with `NAMES` for the versions, as keys and as values."""
    text = json.dumps(plain)
    for label, name in NAMES.items():
        text = text.replace(json.dumps(label), json.dumps(name))
    return json.loads(text)
