"""What is planned happens at its time, once, under the same rules, and is in the history."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from prompts_app import services
from prompts_app.changes import By
from prompts_app.exceptions import ChangeRefused, VersionNotFound
from prompts_app.models import Prompt, PromptChange, PromptVersion, ScheduledChange
from prompts_app.scheduling import MAX_WAITING, apply_due, cancel_change, schedule_change
from prompts_app.tasks import apply_scheduled
from prompts_app.tests.conftest import MakeVersion
from prompts_app.tests.test_concurrency import at_once, two_versions  # noqa: F401 - a fixture

pytestmark = pytest.mark.urls("prompts_app.tests.urls")

HOUR = timedelta(hours=1)


def plan(action: str, *, hours: float = 1, **what: Any) -> ScheduledChange:
    at = timezone.now() + hours * HOUR
    return schedule_change(
        prompt="greeter", action=action, at=at, actor="ada", door="admin", why="monday", **what
    )


def later(hours: float = 2) -> datetime:
    return timezone.now() + hours * HOUR


def live() -> tuple[str | None, dict[str, int]]:
    prompt = Prompt.objects.select_related("active_version").get()
    return prompt.active_version and prompt.active_version.label, prompt.traffic_split


def test_nothing_happens_before_its_time(published: MakeVersion) -> None:
    published("v1")
    plan("make_live", version="v1")
    assert apply_due(until=later(0.5)) == 0
    assert live() == (None, {})


def test_a_version_goes_live_at_its_time_in_the_name_of_who_planned_it(published: MakeVersion) -> None:
    published("v1")
    change = plan("make_live", version="v1")
    assert apply_due(until=later()) == 1
    assert live() == ("v1", {})
    made = PromptChange.objects.latest("id")
    assert (made.verb, made.actor, made.door, made.why) == ("activate_version", "ada", "schedule", "monday")
    change.refresh_from_db()
    assert (change.state, change.outcome) == ("done", "")


def test_a_draft_is_published_on_its_way(draft: MakeVersion) -> None:
    draft("v1")
    plan("make_live", version="v1")
    apply_due(until=later())
    assert live() == ("v1", {})


def test_a_draft_may_be_published_and_stay_out_of_traffic(prompt: Prompt, draft: MakeVersion) -> None:
    draft("v1")
    plan("publish", version="v1")
    apply_due(until=later())
    assert (prompt.versions.get().status, live()) == ("published", (None, {}))


def test_traffic_is_split_at_its_time(published: MakeVersion) -> None:
    published("v1")
    published("v2")
    plan("split", split={"v1": 50, "v2": 50})
    apply_due(until=later())
    assert live() == (None, {"v1": 50, "v2": 50})


def test_what_is_due_together_is_done_in_the_order_of_the_times(published: MakeVersion) -> None:
    published("v1")
    published("v2")
    plan("make_live", version="v2", hours=1.5)
    plan("make_live", version="v1", hours=1)
    assert apply_due(until=later()) == 2
    assert live() == ("v2", {})


def test_planning_changes_nothing_but_the_history(published: MakeVersion) -> None:
    published("v1")
    plan("make_live", version="v1")
    assert live() == (None, {})
    assert PromptChange.objects.latest("id").verb == "schedule_change"


def test_a_plan_puts_nobodys_edit_in_conflict(published: MakeVersion, ada: By) -> None:
    published("v1")
    seen = Prompt.objects.get().revision
    plan("make_live", version="v1")
    services.describe_prompt(prompt="greeter", description="Kinder.", **{**ada, "expected_revision": seen})


def test_a_cancelled_change_does_not_happen(published: MakeVersion, ada: By) -> None:
    published("v1")
    change = plan("make_live", version="v1")
    cancel_change(prompt="greeter", change=change.pk, **ada)
    assert apply_due(until=later()) == 0
    assert live() == (None, {})
    assert PromptChange.objects.latest("id").verb == "cancel_change"
    with pytest.raises(ChangeRefused, match="not waiting"):
        cancel_change(prompt="greeter", change=change.pk, **ada)


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ({"action": "make_live", "version": "v1", "hours": -1}, "in the future"),
        ({"action": "make_live", "version": "v1", "hours": 24 * 400}, "within a year"),
        ({"action": "publish", "version": "v1"}, "published already"),
        ({"action": "split", "split": {"v1": 90}}, "sum up to 90"),
        ({"action": "split"}, "at least one version"),
    ],
)
def test_what_would_be_refused_now_cannot_be_planned(
    published: MakeVersion, what: dict[str, Any], says: str
) -> None:
    published("v1")
    with pytest.raises(ChangeRefused, match=says):
        plan(**what)
    assert not ScheduledChange.objects.exists()


def test_a_version_that_is_not_there_cannot_be_planned(prompt: Prompt) -> None:
    with pytest.raises(VersionNotFound):
        plan("make_live", version="v1")


def test_plans_of_a_prompt_are_bounded(published: MakeVersion) -> None:
    published("v1")
    for _ in range(MAX_WAITING):
        plan("make_live", version="v1")
    with pytest.raises(ChangeRefused, match="cancel one first"):
        plan("make_live", version="v1")


def test_what_a_rule_forbids_meanwhile_is_refused_once_and_said(published: MakeVersion, ada: By) -> None:
    published("v1")
    change = plan("make_live", version="v1")
    services.archive_version(prompt="greeter", version="v1", **ada)
    assert apply_due(until=later()) == 0
    change.refresh_from_db()
    assert (change.state, change.outcome) == ("refused", "v1 is archived, not published")
    assert PromptChange.objects.latest("id").after == {"because": "v1 is archived, not published"}
    count = PromptChange.objects.count()
    apply_due(until=later())
    assert PromptChange.objects.count() == count


def test_who_must_be_reviewed_cannot_plan_around_it(draft: MakeVersion, settings: Any) -> None:
    settings.PROMPTS = settings.PROMPTS | {"REQUIRE_REVIEW": True}
    draft("v1")
    with pytest.raises(ChangeRefused, match="somebody else must review"):
        plan("make_live", version="v1")


def test_only_the_draft_that_was_planned_is_published(draft: MakeVersion) -> None:
    """Whoever planned it has looked at that one, and stands for it."""
    draft("v1")
    change = plan("publish", version="v1")
    draft("v1", user="something else")
    assert apply_due(until=later()) == 0
    change.refresh_from_db()
    assert change.state == "refused"
    assert "v1 was edited after this was planned" in change.outcome
    assert PromptVersion.objects.get().status == "draft"


def test_many_workers_do_it_once(two_versions: Prompt) -> None:  # noqa: F811
    for number in range(4):
        plan("split", split={"v1": number, "v2": 100 - number})
    until = later()
    done = at_once([lambda: apply_due(until=until)] * 6)
    assert sum(done) == 4  # type: ignore[arg-type]
    assert PromptChange.objects.filter(verb="set_split").count() == 4
    assert Prompt.objects.get().split_phase == 4


def test_the_command_and_the_task_do_what_is_due(published: MakeVersion, capsys: Any) -> None:
    published("v1")
    published("v2")
    for doing, version in ((lambda: call_command("apply_scheduled"), "v1"), (apply_scheduled, "v2")):
        change = plan("make_live", version=version)
        ScheduledChange.objects.filter(pk=change.pk).update(at=timezone.now() - HOUR)
        doing()
        assert live() == (version, {})
    assert capsys.readouterr().out == "1 done\n"


def login(client: Client, group: str) -> Client:
    user = User.objects.create_user(group.lower(), is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    client.force_login(user)
    return client


def url(prompt: Prompt, name: str = "change") -> str:
    return f"/admin/prompts_app/prompt/{prompt.pk}/{name}/"


def test_a_publisher_plans_and_cancels_in_the_admin(
    client: Client, prompt: Prompt, published: MakeVersion
) -> None:
    published("v1")
    publisher = login(client, "Publishers")
    at = f"{later():%Y-%m-%dT%H:%M}"
    sent = {"action": "make_live", "version": "v1", "split": "", "at": at, "why": "monday"}
    assert publisher.post(url(prompt, "schedule"), sent).status_code == 302
    change = ScheduledChange.objects.get()
    assert (change.author, change.why, change.state) == ("publishers", "monday", "waiting")
    assert "Make live v1" in publisher.get(url(prompt)).content.decode()
    publisher.post(url(prompt, f"schedule/{change.pk}/cancel"))
    change.refresh_from_db()
    assert change.state == "cancelled"


def test_what_was_edited_since_the_form_was_opened_is_not_planned(
    client: Client, prompt: Prompt, draft: MakeVersion
) -> None:
    draft("v1")
    publisher = login(client, "Publishers")
    seen = publisher.get(url(prompt, "schedule")).context["form"]["expected_revision"].value()
    draft("v1", user="something else")
    sent = {
        "action": "publish",
        "version": "v1",
        "at": f"{later():%Y-%m-%dT%H:%M}",
        "expected_revision": seen,
    }
    page = publisher.post(url(prompt, "schedule"), sent).content.decode()
    assert "changed meanwhile: ada saved draft v1" in page
    assert not ScheduledChange.objects.exists()


def test_a_refused_plan_is_explained_and_nothing_typed_is_lost(
    client: Client, prompt: Prompt, published: MakeVersion
) -> None:
    published("v1")
    sent = {"action": "split", "split": '{"v1": 90}', "at": f"{later():%Y-%m-%dT%H:%M}", "why": "mine"}
    page = login(client, "Publishers").post(url(prompt, "schedule"), sent).content.decode()
    assert "the shares sum up to 90, not to 100" in page
    assert 'value="mine"' in page


def test_the_page_tells_of_plans_that_are_late_or_were_refused(
    client: Client, prompt: Prompt, published: MakeVersion
) -> None:
    published("v1")
    late, refused = plan("make_live", version="v1"), plan("make_live", version="v1")
    ScheduledChange.objects.filter(pk=late.pk).update(at=timezone.now() - HOUR)
    ScheduledChange.objects.filter(pk=refused.pk).update(
        state="refused", outcome="v1 is gone", ended_at=timezone.now()
    )
    page = login(client, "Viewers").get(url(prompt)).content.decode()
    assert "late: no worker takes up scheduled changes" in page
    assert "refused: v1 is gone" in page


def test_editors_cannot_plan_or_cancel(client: Client, prompt: Prompt, published: MakeVersion) -> None:
    published("v1")
    change = plan("make_live", version="v1")
    editor = login(client, "Editors")
    assert editor.get(url(prompt, "schedule")).status_code == 403
    assert editor.post(url(prompt, f"schedule/{change.pk}/cancel")).status_code == 403
