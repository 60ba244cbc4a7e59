"""With REQUIRE_EVAL a version is published after an evaluation that it passed, at every door."""

from datetime import timedelta
from functools import partial

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from evals_app import services
from evals_app.lanes import in_thread, work_on
from evals_app.tests.conftest import ADA
from prompts_app import services as prompts
from prompts_app.content import VersionContent
from prompts_app.exceptions import ChangeRefused
from prompts_app.models import PromptVersion
from prompts_app.scheduling import schedule_change
from prompts_app.sync import sync
from prompts_app.yaml_files import PromptFile


@pytest.fixture
def required(settings):
    settings.PROMPTS = settings.PROMPTS | {"PUBLISH_CHECKS": ["evals_app.publishing.passed_evaluation"]}


@pytest.fixture
def draft(dataset):
    """A draft v3 of the live prompt, and a dataset with enough cases to tell."""
    dataset(60)
    return write("Repeat {{text}}")


def write(text, version="v3"):
    content = VersionContent(user=text, parameters={"max_tokens": 50})
    return prompts.save_draft(prompt="echo", version=version, content=content, **ADA)


def publish(version="v3"):
    return prompts.publish_version(prompt="echo", version=version, **ADA)


def make_live(version):
    return prompts.activate_version(prompt="echo", version=version, **ADA)


def start(*versions, **changes):
    return services.start_run(dataset="echoes", versions=versions or ("v1", "v3"), actor="ada", **changes).pk


async def evaluated(*versions, **changes):
    run_id = await in_thread(partial(start, *versions, **changes))
    await work_on(run_id, seconds=60)


async def refusal():
    with pytest.raises(ChangeRefused) as refused:
        await in_thread(publish)
    return str(refused.value)


@pytest.mark.usefixtures("required")
async def test_a_version_is_published_after_a_run_that_it_passed(draft, vendor):
    assert "No run over echoes #1 compares this text with v1" in await refusal()
    await evaluated()
    assert (await in_thread(publish)).status == "published"


@pytest.mark.usefixtures("required")
async def test_another_text_is_another_evaluation(draft, vendor):
    await evaluated()
    await in_thread(partial(write, "Repeat it: {{text}}"))
    assert "No run over echoes #1" in await refusal()


@pytest.mark.usefixtures("required")
async def test_a_changed_dataset_asks_for_another_run(draft, dataset, vendor):
    await evaluated()
    await in_thread(partial(dataset, 61))
    assert "No run over echoes #2" in await refusal()


@pytest.mark.usefixtures("required")
async def test_a_run_against_something_that_is_not_live_does_not_count(draft, vendor):
    await evaluated("v2", "v3")
    assert "compares this text with v1" in await refusal()


@pytest.mark.usefixtures("required")
async def test_a_run_against_what_is_live_as_it_was_before_an_edit_does_not_count(draft, vendor):
    await in_thread(partial(write, "Say nothing of {{text}}", "v4"))
    await evaluated("v4", "v3")
    await in_thread(partial(write, "Repeat this: {{text}}", "v4"))
    await evaluated("v1", "v4")
    await in_thread(partial(publish, "v4"))
    await in_thread(partial(make_live, "v4"))
    assert "compares this text with v4" in await refusal()
    await evaluated("v4", "v3")
    assert (await in_thread(publish)).status == "published"


@pytest.mark.usefixtures("required")
async def test_a_run_that_asked_another_text_meanwhile_does_not_count(draft, vendor):
    run_id = await in_thread(start)
    await in_thread(partial(services.cancel_run, run_id, actor="ada"))
    await in_thread(partial(write, "Repeat it: {{text}}"))
    await in_thread(partial(services.resume_run, run_id, actor="ada"))
    await work_on(run_id, seconds=0.05)
    await in_thread(partial(write, "Repeat {{text}}"))
    await work_on(run_id, seconds=60)
    assert "v3 changed while the run asked" in await refusal()


@pytest.mark.usefixtures("required")
async def test_a_run_that_did_not_pass_is_named(dataset, draft, vendor):
    await in_thread(partial(dataset, 2))
    await evaluated()
    assert "did not pass: inconclusive" in await refusal()


def test_without_a_dataset_there_is_nothing_to_pass(prompt, required):
    write("Repeat {{text}}")
    with pytest.raises(ChangeRefused, match="There is no dataset"):
        publish()


def test_a_new_prompt_is_not_held_up(db, required):
    prompts.create_prompt(name="echo", **ADA)
    write("Repeat {{text}}")
    assert publish().status == "published"


def test_going_back_to_a_published_version_is_not_held_up(prompt, required):
    prompts.activate_version(prompt="echo", version="v2", **ADA)
    prompts.roll_back(prompt="echo", **ADA)
    assert prompts.activate_version(prompt="echo", version="v2", **ADA).active_version.label == "v2"


def test_a_schedule_and_a_file_are_refused_as_well(draft, required):
    at = timezone.now() + timedelta(hours=1)
    with pytest.raises(ChangeRefused, match="No run over"):
        schedule_change(prompt="echo", action="make_live", version="v3", at=at, **ADA)
    file = PromptFile(name="echo", version="v3", description="", content=draft.content, source="echo/v3.yaml")
    with pytest.raises(ChangeRefused, match="No run over"):
        sync([file], by={"actor": "ops", "door": "command"})
    assert PromptVersion.objects.get(label="v3").status == "draft"


def test_the_admin_says_why_and_leads_to_the_run(draft, required, client):
    client.force_login(User.objects.create_superuser("eve"))
    url = reverse("admin:prompts_app_promptversion_publish", args=[draft.pk])
    said = client.get(url).content.decode()
    assert "No run over echoes #1" in said
    link = reverse("admin:evals_app_evalrun_add") + "?dataset=echoes&amp;baseline=v1&amp;candidates=v3"
    assert link in said
    assert client.post(url, {"why": "now"}, follow=True).status_code == 200
    assert PromptVersion.objects.get(label="v3").status == "draft"
    assert (
        "Cannot be published yet"
        in client.get(reverse("admin:prompts_app_promptversion_change", args=[draft.pk])).content.decode()
    )
