"""`python -m llmgateway.tests.security.plant`: hostile texts into the database that the environment names."""

import django

django.setup()

from datetime import timedelta  # noqa: E402

from django.contrib.auth.models import User  # noqa: E402
from django.utils.timezone import now  # noqa: E402

from evals_app import datasets  # noqa: E402
from evals_app import services as evals  # noqa: E402
from evals_app.models import EvalResult, EvalRun  # noqa: E402
from gateway_app import access, models  # noqa: E402
from gateway_app.models import Call, CallContent, Feedback, ModelPrice, Project  # noqa: E402
from llmgateway.tests.security.payloads import FORMULAS, MARKUP  # noqa: E402
from llmgateway.tests.security.plant_experiments import experiments  # noqa: E402
from prompts_app import examples, scheduling, services  # noqa: E402
from prompts_app.changes import By  # noqa: E402
from prompts_app.content import Message, VersionContent  # noqa: E402
from prompts_app.models import Webhook, WebhookDelivery  # noqa: E402

ALL = "\n".join(MARKUP + FORMULAS)
NAME = "hostile"


def main() -> None:
    mallory = User.objects.create_user(MARKUP[0], first_name=MARKUP[8][:150], is_staff=True)
    by: By = {"actor": mallory.username, "door": "admin", "why": ALL}
    prompts(by)
    webhooks(by)
    ledger()
    datasets_and_runs(by["actor"])
    experiments(NAME, by)
    parrot(by)


def prompts(by: By) -> None:
    services.create_prompt(name=NAME, description=ALL, **by)
    for label in ("v1", "v2"):
        content = VersionContent(
            system=f"{label} {ALL.replace('{{', '{ {')}",
            user=f"{label} {{{{text}}}} {ALL.replace('{{', '{ {')}",
            messages=(Message(role="assistant", content=ALL.replace("{{", "{ {")),),
            variables={"type": "object", "properties": {"text": {"type": "string", "description": ALL}}},
            notes=ALL,
        )
        services.save_draft(prompt=NAME, version=label, content=content, **by)
        services.publish_version(prompt=NAME, version=label, **by)
    services.activate_version(prompt=NAME, version="v1", **by)
    services.set_split(prompt=NAME, split={"v1": 50, "v2": 50}, **by)
    for number, text in enumerate(MARKUP[:5]):
        examples.save_example(prompt=NAME, name=f"{number} {text}"[:100], variables={"text": ALL}, **by)
    services.save_draft(prompt=NAME, version="v3", content=VersionContent(user=ALL), **by)
    scheduling.schedule_change(
        prompt=NAME, action="make_live", version="v2", at=now() + timedelta(days=9), **by
    )


def parrot(by: By) -> None:
    """A prompt whose answer is the variable `text`."""
    services.create_prompt(name="parrot", **by)
    content = VersionContent(user="Say: {{text}}")
    services.save_draft(prompt="parrot", version="v1", content=content, **by)
    services.publish_version(prompt="parrot", version="v1", **by)


def webhooks(by: By) -> None:
    for text in MARKUP:
        hook = Webhook.objects.create(url=f"https://example.com/{text}", description=text, active=False)
        change = services.describe_prompt(prompt=NAME, description=text + ALL, **by).changes.latest("id")
        WebhookDelivery.objects.create(
            webhook=hook, change=change, state="given up", error=text, ended_at=now()
        )


def ledger() -> None:
    for number, text in enumerate(MARKUP + FORMULAS):
        access.create_key(project=f"{NAME}-{number}", name=text)
        ModelPrice.objects.create(
            model=text, starts_at=now() - timedelta(days=1), input=1, output=1, author=text, note=text[:200]
        )
        models.CachePurge.objects.create(kind="model", name=text, purged_by=text)
        project = Project.objects.get(name=f"{NAME}-{number}")
        call = Call.objects.create(
            created_at=now(), request_id=text, project=project, project_name=text[:64], key_name=text,
            surface="chat", streamed=False, session_id=text, prompt_name=text[:64], prompt_version=text[:32],
            arm_reason=text[:32], provider="gemini", model=text, model_served=text, latency_ms=5,
            outcome="error", error_code=text[:64], finish_reason=text[:32], parameters={text: text},
            attempts=[{"provider": text, "model": text, "seconds": 1, "error": text, "status": 500, "at": 0}],
        )  # fmt: skip
        CallContent.objects.create(
            id=call.id, project=project, created_at=now(), expires_at=now() + timedelta(days=9),
            messages=[{"role": "user", "content": ALL}], reply=ALL,
            tool_calls=[{"id": text, "name": text, "arguments": text}],
        )  # fmt: skip
        Feedback.objects.create(
            project=project,
            request_id=text,
            name=text[:64],
            kind="text",
            text=text,
            comment=ALL,
            key_name=text,
        )


def datasets_and_runs(actor: str) -> None:
    cases = [
        {"key": f"c{number}", "variables": {"text": text}, "expected": text, "tags": [text]}
        for number, text in enumerate(MARKUP)
    ]
    plain = {
        "name": NAME, "prompt": NAME, "description": ALL, "cases": cases,
        "evaluators": [{"kind": "exact"}],
    }  # fmt: skip
    evals.save_dataset(datasets.read(plain), actor=actor, why=ALL)
    run = evals.start_run(dataset=NAME, versions=["v1", "v2"], actor=actor)
    EvalResult.objects.filter(run=run).update(
        state=EvalResult.State.DONE, output=ALL, error=ALL, request_id=MARKUP[8], finished_at=now()
    )
    EvalRun.objects.filter(pk=run.pk).update(
        state=EvalRun.State.CANCELLED, stopped_by=actor, finished_at=now()
    )


if __name__ == "__main__":
    main()
