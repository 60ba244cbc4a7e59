"""One row of everything that the admin shows, and every address that it answers."""

import re
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db import models
from django.utils.timezone import now

from evals_app import datasets
from evals_app import services as evals
from evals_app.experiments import plans
from evals_app.experiments import services as experiments
from evals_app.models import Experiment
from gateway_app.access import create_key
from gateway_app.models import Call, CallContent, Feedback, ModelPrice, Project
from gateway_app.purges import purge_cache
from llmgateway.tests.security.routes import patterns
from prompts_app import examples, scheduling, services
from prompts_app.changes import By
from prompts_app.content import VersionContent
from prompts_app.models import PromptVersion, Webhook, WebhookDelivery

NAME = "greeter"
SETUP: By = {"actor": "setup", "door": "command", "why": "one of each"}
UNASKED = re.compile(r"\(\?P<url>|<path:object_id>/$|/r/|/jsi18n/|/login/|/logout/")
"""What is no page: what leads elsewhere, scripts, and the door itself."""


def routes() -> list[str]:
    """Every page under /admin/, as its pattern."""
    found = {_plain(route) for route, _ in patterns(admin.site.get_urls(), "/")}
    return sorted(route for route in found if not UNASKED.search(route))


def _plain(route: str) -> str:
    return re.sub(r"\^?\(\?P<(\w+)>[^)]*\)/\$", r"<\1>/", route) if "app_label" in route else route


def make() -> dict[str, Any]:
    """What the parts of addresses stand for: `prompt` -> the id of one, and so on."""
    ids: dict[str, Any] = {"user": User.objects.create_user("someone").pk, "group": Group.objects.first().pk}
    ids |= _prompts() | _traffic() | _evaluation()
    return ids | {"app_label": "prompts_app", "name": NAME, "key": "c1", "form": "md", "version": "v2"}


def _prompts() -> dict[str, Any]:
    services.create_prompt(name=NAME, description="Says hello.", **SETUP)
    for label in ("v1", "v2", "v3"):
        content = VersionContent(user=f"{label}: hello {{{{name}}}}")
        services.save_draft(prompt=NAME, version=label, content=content, **SETUP)
    for label in ("v1", "v2"):
        services.publish_version(prompt=NAME, version=label, **SETUP)
        services.activate_version(prompt=NAME, version=label, **SETUP)
    examples.save_example(prompt=NAME, name="one", variables={"name": "Ada"}, **SETUP)
    at = now() + timedelta(days=1)
    planned = scheduling.schedule_change(prompt=NAME, action="make_live", version="v1", at=at, **SETUP)
    draft = PromptVersion.objects.get(label="v3")
    hook = Webhook.objects.create(url="https://example.com/hook")
    change = draft.prompt.changes.latest("id")
    delivery = WebhookDelivery.objects.create(
        webhook=hook, change=change, state="given up", ended_at=now(), attempts=9
    )
    ids = {"prompt": draft.prompt_id, "promptversion": draft.pk, "promptchange": change.pk}
    return ids | {"change": planned.pk, "webhook": hook.pk, "webhookdelivery": delivery.pk}


def _traffic() -> dict[str, Any]:
    key = create_key(project="tenant", name="theirs", scopes=["chat"])
    project = Project.objects.get(name="tenant")
    known = {"project": project, "created_at": now()}
    call = Call.objects.create(
        **known, request_id="r-1", surface="chat", streamed=False, prompt_name=NAME, prompt_version="v1",
        latency_ms=5, outcome="ok",
    )  # fmt: skip
    CallContent.objects.create(
        id=call.id, **known, expires_at=now() + timedelta(days=1), variables={"name": "Ada"},
        messages=[{"role": "user", "content": "v1: hello Ada"}], reply="Hello.",
    )  # fmt: skip
    feedback = Feedback.objects.create(
        project=project, request_id="r-1", name="helpful", kind="thumbs", number=1
    )
    price = ModelPrice.objects.create(
        model="m", starts_at=now() + timedelta(days=1), input=Decimal(1), output=1
    )
    ids = {"apikey": key.id, "project": project.pk, "call": call.pk, "feedback": feedback.pk}
    purge = purge_cache(kind="model", name="m", actor="setup")
    return ids | {"modelprice": price.pk, "cachepurge": purge.pk}


def _evaluation() -> dict[str, Any]:
    plain = {
        "name": "greetings", "prompt": NAME, "evaluators": [{"kind": "exact"}],
        "cases": [{"key": "c1", "variables": {"name": "Ada"}, "expected": "Hello."}],
    }  # fmt: skip
    saved = evals.save_dataset(datasets.read(plain), actor="setup")
    run = evals.start_run(dataset="greetings", versions=["v1", "v2"], actor="setup")
    plan = {
        "kind": "experiment", "name": "longer", "prompt": NAME, "hypothesis": "It helps.", "champion": "v1",
        "weights": {"v1": 50, "v2": 50}, "primary": "feedback:helpful", "mde": 0.05, "min_days": 0,
        "guardrails": [{"measure": name, "margin": 0.1} for name in ("errors", "latency")],
    }  # fmt: skip
    experiment = experiments.save_plan(plans.read(plan), **SETUP)
    assert experiment.state == Experiment.State.DRAFT
    return {"dataset": saved.dataset_id, "evalrun": run.pk, "experiment": experiment.pk}


def filled(route: str, ids: dict[str, Any]) -> str:
    """The address of a route's row: what is called pk, id or object_id is of the route's own model."""
    model = [*route.split("/"), ""][2]
    own = {name: ids.get(model) for name in ("pk", "id", "object_id")}
    found = re.sub(r"<(?:\w+:)?(\w+)>", lambda part: str((ids | own)[part[1]]), route)
    return f"/admin{found}"


def changed_fields(row: models.Model) -> Iterator[str]:
    """The fields of `row` that are another in the database than in it."""
    now_there = type(row).objects.get(pk=row.pk)  # type: ignore[attr-defined]
    for field in row._meta.concrete_fields:
        if getattr(row, field.attname) != getattr(now_there, field.attname):
            yield field.name
