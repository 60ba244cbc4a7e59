from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from pytest_django import Settings

from prompts_app import services
from prompts_app.changes import By
from prompts_app.exceptions import ChangeRefused
from prompts_app.models import Prompt, PromptVersion
from prompts_app.tests.conftest import MakeVersion

Login = Callable[..., Client]
pytestmark = pytest.mark.urls("prompts_app.tests.urls")


@pytest.fixture
def live(published: MakeVersion, draft: MakeVersion, ada: By) -> Prompt:
    published("v1")
    published("v2")
    draft("v3")
    return services.activate_version(prompt="greeter", version="v1", **ada)


@pytest.fixture
def login(client: Client, db: None) -> Login:
    def member_of(*groups: str) -> Client:
        user = User.objects.create_user("-".join(groups), is_staff=True)
        user.groups.set(Group.objects.filter(name__in=groups))
        client.force_login(user)
        return client

    return member_of


def address(row: Prompt | PromptVersion, page: str) -> str:
    return f"/admin/prompts_app/{row._meta.model_name}/{row.pk}/{page}/"


@pytest.mark.parametrize(
    ("group", "sees", "describes", "writes", "directs"),
    [
        ("Viewers", True, False, False, False),
        ("Editors", True, True, True, False),
        ("Publishers", True, False, False, True),
        ("Nobody", False, False, False, False),
    ],
)
def test_each_group_may_do_its_part(
    login: Login, live: Prompt, group: str, sees: bool, describes: bool, writes: bool, directs: bool
) -> None:
    client = login(group)
    draft = live.versions.get(label="v3")
    assert (client.get(address(live, "change")).status_code == 200) == sees
    sent = {"active_version": live.versions.get(label="v2").pk, "traffic_split": "", "description": "Mine."}
    client.post(address(live, "change"), sent)
    client.post(address(draft, "change"), {"user": "mine {{name}}"})
    published = client.post(address(draft, "publish"), {}).status_code == 302
    live.refresh_from_db()
    draft.refresh_from_db()
    assert (live.description == "Mine.") == describes
    assert (draft.user == "mine {{name}}") == writes
    assert (str(live.active_version) == "v2") == directs == published == (draft.status == "published")


@pytest.mark.parametrize("page", ["roll-back", "archive", "compare"])
def test_a_stranger_is_kept_out_of_every_page(login: Login, live: Prompt, page: str) -> None:
    refused = login("Nobody").post(address(live, page), {})
    assert refused.status_code == 403
    assert "Who manages users can add you to a group" in refused.content.decode()


def test_buttons_are_shown_to_those_who_may_press_them(login: Login, live: Prompt) -> None:
    client = login("Editors")
    html = client.get(address(live.versions.get(label="v3"), "change")).content.decode()
    assert "New version from this" in html
    assert "/publish/" not in html


def test_with_review_the_writers_of_a_version_cannot_publish_it(
    draft: MakeVersion, ada: By, settings: Settings
) -> None:
    settings.PROMPTS = settings.PROMPTS | {"REQUIRE_REVIEW": True}
    draft("v1")
    bob: By = {"actor": "bob", "door": "rest"}
    with pytest.raises(ChangeRefused, match="ada wrote v1: somebody else must review"):
        services.publish_version(prompt="greeter", version="v1", **ada)
    services.publish_version(prompt="greeter", version="v1", **bob)


def test_with_review_an_edit_makes_one_a_writer(draft: MakeVersion, ada: By, settings: Settings) -> None:
    settings.PROMPTS = settings.PROMPTS | {"REQUIRE_REVIEW": True}
    version = draft("v1")
    bob: By = {"actor": "bob", "door": "rest"}
    content = version.content.__class__(user="other {{name}}")
    services.save_draft(prompt="greeter", version="v1", content=content, **bob)
    with pytest.raises(ChangeRefused, match="bob wrote v1"):
        services.publish_version(prompt="greeter", version="v1", **bob)


def test_what_was_edited_since_its_page_was_read_is_not_published(
    login: Login, draft: MakeVersion, settings: Settings
) -> None:
    settings.PROMPTS = settings.PROMPTS | {"REQUIRE_REVIEW": True}
    version = draft("v1")
    client = login("Publishers")
    read = client.get(address(version, "change")).context["buttons"]
    publish = next(url for verb, url in read if verb.slug == "publish")
    draft("v1", user="something else")
    sent = {"seen_revision": client.get(publish).context["form"]["seen_revision"].value()}
    told = client.post(publish, sent, follow=True).content.decode()
    assert "changed meanwhile: ada saved draft v1" in told
    version.refresh_from_db()
    assert version.status == "draft"
    again = {
        "seen_revision": client.get(address(version, "publish")).context["form"]["seen_revision"].value()
    }
    client.post(address(version, "publish"), again)
    version.refresh_from_db()
    assert version.status == "published"
