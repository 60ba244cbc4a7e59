from typing import Any

import pytest
from django.test import Client, RequestFactory

from prompts_app import services
from prompts_app.changes import By
from prompts_app.exceptions import ChangeRefused, EditConflict, PromptNotFound, VersionNotFound
from prompts_app.models import Prompt, PromptChange, PromptVersion
from prompts_app.tests.conftest import MakeVersion
from prompts_app.urls import urlpatterns

pytestmark = [
    pytest.mark.urls("prompts_app.tests.urls"),
    pytest.mark.django_db,
    pytest.mark.usefixtures("bare_errors"),
]


def post(client: Client, path: str, **body: Any) -> Any:
    return client.post(path, body, content_type="application/json")


def test_a_prompt_goes_all_the_way_from_nothing_to_live(client: Client) -> None:
    created = post(client, "/prompts", name="greeter", description="Says hello.", why="needed")
    assert (created.status_code, created.json()["versions"]) == (201, [])
    saved = post(client, "/prompts/greeter/versions", version="v1", user=" Hello {{name}}\n")
    assert (saved.status_code, saved.json()["user"], saved.json()["problems"]) == (
        201,
        " Hello {{name}}\n",
        [],
    )
    published = post(client, "/prompts/greeter/versions/v1/publish").json()
    assert published["versions"] == [{"version": "v1", "status": "published"}]
    assert post(client, "/prompts/greeter/versions/v1/activate").json()["active_version"] == "v1"
    rendered = post(client, "/prompts/greeter/render", variables={"name": "Ada"}).json()
    assert rendered["messages"] == [{"role": "user", "content": " Hello Ada\n"}]
    change = PromptChange.objects.earliest("id")
    assert (change.actor, change.door, change.why) == ("key unknown", "rest", "needed")


def test_traffic_is_split_and_rolled_back(client: Client, published: MakeVersion) -> None:
    published("v1")
    published("v2")
    post(client, "/prompts/greeter/versions/v1/activate")
    split = post(
        client, "/prompts/greeter/split", traffic_split={"v1": 90, "v2": 10}, active_version="v2"
    ).json()
    assert (split["active_version"], split["traffic_split"], split["phase"]) == (
        "v2",
        {"v1": 90, "v2": 10},
        2,
    )
    back = post(client, "/prompts/greeter/roll-back", why="worse").json()
    assert (back["active_version"], back["traffic_split"], back["phase"]) == ("v1", {}, 3)


def test_a_draft_tells_what_publishing_would_refuse(client: Client, prompt: Prompt) -> None:
    reply = post(client, "/prompts/greeter/versions", version="v1", user="x", parameters={"temperature": 9})
    assert reply.json()["problems"] == ["parameters: temperature breaks the rule maximum 2"]


def test_a_float_for_a_whole_number_is_told_and_not_published(client: Client, prompt: Prompt) -> None:
    reply = post(client, "/prompts/greeter/versions", version="v1", user="x", parameters={"seed": 1.0})
    assert reply.json()["problems"] == ['parameters: seed must be of type "integer"']
    with pytest.raises(ChangeRefused, match="seed must be"):
        post(client, "/prompts/greeter/versions/v1/publish")


def test_a_stale_change_is_a_conflict(client: Client, published: MakeVersion, ada: By) -> None:
    revision = published("v1").revision
    services.activate_version(prompt="greeter", version="v1", **ada)
    with pytest.raises(EditConflict, match="ada"):
        post(client, "/prompts/greeter/split", traffic_split={"v1": 100}, expected_revision=revision)


def test_a_prompt_is_described_anew_and_taken_out_of_service_and_back(
    client: Client, published: MakeVersion
) -> None:
    published("v1")
    post(client, "/prompts/greeter/versions/v1/activate")
    told = client.patch("/prompts/greeter", {"description": "Greets."}, content_type="application/json")
    assert told.json()["description"] == "Greets."
    post(client, "/prompts/greeter/archive", why="unused")
    assert client.get("/prompts").json()["prompts"] == []
    post(client, "/prompts/greeter/restore")
    assert client.get("/prompts/greeter").json()["active_version"] == "v1"


def test_a_version_is_taken_out_of_choice_and_back(client: Client, published: MakeVersion) -> None:
    published("v1")
    archived = post(client, "/prompts/greeter/versions/v1/archive").json()
    assert archived["versions"] == [{"version": "v1", "status": "archived"}]
    restored = post(client, "/prompts/greeter/versions/v1/restore").json()
    assert restored["versions"] == [{"version": "v1", "status": "published"}]


def test_a_draft_is_deleted_and_a_published_version_is_not(
    client: Client, draft: MakeVersion, published: MakeVersion
) -> None:
    published("v1")
    draft("v2")
    assert client.delete("/prompts/greeter/versions/v2").status_code == 204
    with pytest.raises(ChangeRefused, match="only drafts"):
        client.delete("/prompts/greeter/versions/v1")


def test_what_the_verbs_refuse_is_refused(client: Client, published: MakeVersion) -> None:
    published("v1")
    with pytest.raises(ChangeRefused, match="sum up to 90"):
        post(client, "/prompts/greeter/split", traffic_split={"v1": 90})
    with pytest.raises(ChangeRefused, match="messages: 0"):
        post(client, "/prompts/greeter/versions", version="v2", messages=[{"role": "robot"}])
    with pytest.raises(ChangeRefused, match="is no version"):
        post(client, "/prompts/greeter/versions", version="../v2", user="x")
    with pytest.raises(PromptNotFound):
        post(client, "/prompts/ghost/versions", version="v2", user="x")
    with pytest.raises(VersionNotFound):
        post(client, "/prompts/greeter/versions/v9/publish")
    assert PromptVersion.objects.count() == 1


@pytest.mark.parametrize(
    "body",
    [{}, {"version": 1.5, "user": []}, {"version": "v2", "parameters": [1]}, {"version": "v2", "why": {}}],
)
def test_a_body_of_the_wrong_shape_is_a_400(client: Client, prompt: Prompt, body: dict[str, Any]) -> None:
    assert post(client, "/prompts/greeter/versions", **body).status_code == 400


def test_what_is_read_carries_an_etag(client: Client, published: MakeVersion) -> None:
    published("v1")
    for path in ("/prompts", "/prompts/greeter", "/prompts/greeter/versions/v1"):
        etag = client.get(path)["ETag"]
        assert client.get(path, headers={"if-none-match": etag}).status_code == 304
    etag = client.get("/prompts/greeter")["ETag"]
    published("v2")
    assert client.get("/prompts/greeter", headers={"if-none-match": etag}).status_code == 200


def test_reads_and_changes_need_scopes_of_their_own() -> None:
    needed = {}
    for route in urlpatterns:
        view = route.callback.view_class()
        for method in ("get", "post", "patch", "delete"):
            if hasattr(view, method):
                view.request = getattr(RequestFactory(), method)("/")
                needed[f"{method} {route.pattern}"] = view.required_scope
    reads = {path for path, scope in needed.items() if scope == "prompts:read"}
    rendering = {path for path in needed if path.endswith("/render")}
    secret = {path for path in needed if "webhooks" in path}
    assert reads == rendering | {path for path in needed if path.startswith("get ")} - secret
    assert set(needed.values()) == {"prompts:read", "prompts:write"}
