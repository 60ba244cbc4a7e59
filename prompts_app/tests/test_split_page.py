"""A percentage beside each version, and the same rules as everywhere."""

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from prompts_app import services
from prompts_app.changes import By
from prompts_app.models import Prompt, PromptChange
from prompts_app.tests.conftest import MakeVersion

pytestmark = pytest.mark.urls("prompts_app.tests.urls")


@pytest.fixture
def publisher(client: Client, db: None) -> Client:
    user = User.objects.create_user("pia", is_staff=True)
    user.groups.add(Group.objects.get(name="Publishers"))
    client.force_login(user)
    return client


@pytest.fixture
def live(published: MakeVersion, draft: MakeVersion, ada: By) -> Prompt:
    published("v1")
    published("v2")
    draft("v3")
    return services.activate_version(prompt="greeter", version="v1", **ada)


def page(prompt: Prompt) -> str:
    return f"/admin/prompts_app/prompt/{prompt.pk}/split/"


def traffic() -> tuple[str | None, dict[str, int]]:
    prompt = Prompt.objects.select_related("active_version").get()
    return prompt.active_version and prompt.active_version.label, prompt.traffic_split


def test_published_versions_are_offered_with_the_shares_they_have(publisher: Client, live: Prompt) -> None:
    form = publisher.get(page(live)).context["form"]
    shares = {field.name: field.value() for field in form if field.name.startswith("share-")}
    assert shares == {"share-v2": 0, "share-v1": 100}


def test_shares_become_the_split_with_who_and_why(publisher: Client, live: Prompt) -> None:
    sent = {"share-v1": "90", "share-v2": "10", "why": "carefully"}
    assert publisher.post(page(live), sent).status_code == 302
    assert traffic() == ("v1", {"v1": 90, "v2": 10})
    change = PromptChange.objects.latest("id")
    assert (change.verb, change.actor, change.why) == ("set_split", "pia", "carefully")


def test_everything_to_one_version_makes_it_live_and_ends_the_split(publisher: Client, live: Prompt) -> None:
    publisher.post(page(live), {"share-v1": "50", "share-v2": "50"})
    publisher.post(page(live), {"share-v1": "", "share-v2": "100"})
    assert traffic() == ("v2", {})


@pytest.mark.parametrize(
    ("shares", "says"),
    [
        ({"share-v1": "90"}, "sum up to 90, not to 100"),
        ({}, "sum up to 0, not to 100"),
        ({"share-v1": "101"}, "less than or equal to 100"),
        ({"share-v1": "-1", "share-v2": "101"}, "greater than or equal to 0"),
    ],
)
def test_shares_that_make_no_split_are_explained(
    publisher: Client, live: Prompt, shares: dict[str, str], says: str
) -> None:
    refused = publisher.post(page(live), shares | {"why": "typed"}).content.decode()
    assert says in refused
    assert 'value="typed"' in refused
    assert traffic() == ("v1", {})


def test_who_comes_second_is_told_what_changed(publisher: Client, live: Prompt, ada: By) -> None:
    seen = publisher.get(page(live)).context["form"]["seen_revision"].value()
    services.activate_version(prompt="greeter", version="v2", **ada)
    sent = {"share-v1": "50", "share-v2": "50", "seen_revision": seen}
    assert "changed meanwhile: ada" in publisher.post(page(live), sent).content.decode()
    assert traffic() == ("v2", {})


def test_editors_do_not_direct_traffic(client: Client, live: Prompt) -> None:
    user = User.objects.create_user("eddie", is_staff=True)
    user.groups.add(Group.objects.get(name="Editors"))
    client.force_login(user)
    assert client.get(page(live)).status_code == 403
    assert client.post(page(live), {"share-v2": "100"}).status_code == 403
