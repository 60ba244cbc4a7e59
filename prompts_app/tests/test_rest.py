"""What else than versions and traffic is there over REST: plans, examples, history, files, webhooks."""

import csv
import io
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client, RequestFactory
from django.utils import timezone
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from prompts_app import services
from prompts_app.archives import pack, unpack
from prompts_app.changes import By
from prompts_app.content import VersionContent
from prompts_app.exceptions import ChangeRefused, PromptNotFound
from prompts_app.models import PromptVersion, Webhook, WebhookDelivery
from prompts_app.tests.conftest import MakeVersion
from prompts_app.views.registry_view import check_prompt
from prompts_app.yaml_files import PromptFile

pytestmark = [
    pytest.mark.urls("prompts_app.tests.urls"),
    pytest.mark.django_db,
    pytest.mark.usefixtures("bare_errors"),
]

GREETER = "/prompts/greeter"
HOOKS = "/prompts/-/webhooks"


def post(client: Client, path: str, **body: Any) -> Any:
    return client.post(path, body, content_type="application/json")


def file(text: str, version: str = "v1") -> PromptFile:
    return PromptFile(
        name="greeter",
        version=version,
        description="Says hello.",
        content=VersionContent(user=text),
        source=f"greeter/{version}.yaml",
    )


def send_files(client: Client, *files: PromptFile, query: str = "") -> Any:
    return client.post(f"/prompts/-/files{query}", pack(files), content_type="application/zip")


def test_a_change_is_planned_listed_and_cancelled(client: Client, published: MakeVersion) -> None:
    published("v1")
    at = (timezone.now() + timedelta(hours=1)).isoformat()
    planned = post(client, f"{GREETER}/schedule", action="make_live", version="v1", at=at, why="monday")
    assert (planned.status_code, planned.json()["state"]) == (201, "waiting")
    address = f"{GREETER}/schedule/{planned.json()['id']}"
    assert client.delete(address).status_code == 204
    (listed,) = client.get(f"{GREETER}/schedule").json()["scheduled"]
    assert (listed["state"], listed["author"], listed["why"]) == ("cancelled", "key unknown", "monday")
    with pytest.raises(ChangeRefused, match="not waiting"):
        client.delete(address)


@pytest.mark.parametrize("body", [{}, {"action": "explode", "at": "soon"}, {"action": "split", "at": 5}])
def test_a_plan_of_the_wrong_shape_is_a_400(
    client: Client, published: MakeVersion, body: dict[str, Any]
) -> None:
    published("v1")
    assert post(client, f"{GREETER}/schedule", **body).status_code == 400


def test_examples_are_kept_listed_and_deleted(client: Client, draft: MakeVersion) -> None:
    draft("v1")
    kept = post(client, f"{GREETER}/examples", name="a/b day", variables={"name": "Ada"})
    assert (kept.status_code, kept.json()["variables"]) == (201, {"name": "Ada"})
    (listed,) = client.get(f"{GREETER}/examples").json()["examples"]
    assert (listed["name"], listed["author"]) == ("a/b day", "key unknown")
    assert client.delete(f"{GREETER}/examples/a/b%20day").status_code == 204
    assert client.get(f"{GREETER}/examples").json() == {"examples": []}


def test_the_history_is_read_page_by_page(client: Client, published: MakeVersion) -> None:
    published("v1")
    first = client.get(f"{GREETER}/changes?limit=2").json()
    assert [change["verb"] for change in first["changes"]] == ["publish_version", "save_draft"]
    rest = client.get(f"{GREETER}/changes?limit=2&before={first['next_before']}").json()
    assert ([change["verb"] for change in rest["changes"]], rest["next_before"]) == (["create_prompt"], None)
    saved = first["changes"][1]
    assert (saved["before"], saved["after"]["user"]) == ({}, "v1: hello {{name}}")


def test_the_history_of_all_is_filtered_and_also_a_table(client: Client, published: MakeVersion) -> None:
    published("v1")
    found = client.get("/prompts/-/changes?verb=save_draft&actor=ada&version=v1").json()["changes"]
    assert [(change["prompt"], change["why"]) for change in found] == [("greeter", "because")]
    table = client.get("/prompts/-/changes.csv?verb=save_draft").content.decode()
    (row,) = csv.DictReader(io.StringIO(table))
    assert (row["prompt"], row["version"], row["actor"]) == ("greeter", "v1", "ada")


def test_the_history_tells_what_drafts_say_only_to_keys_that_may_write(
    client: Client, published: MakeVersion, draft: MakeVersion, ada: By, monkeypatch: pytest.MonkeyPatch
) -> None:
    published("v1")
    draft("v2", system="not yet")
    draft("v3", system="never")
    services.delete_draft(prompt="greeter", version="v3", **ada)
    pages = [f"{GREETER}/changes", "/prompts/-/changes", "/prompts/-/changes.csv"]
    read = "".join(client.get(page).content.decode() for page in pages)
    assert read.count("v1: hello") == 3
    assert "not yet" not in read
    assert "never" not in read
    writer = property(lambda request: SimpleNamespace(scopes={"prompts:write"}), lambda request, auth: None)
    monkeypatch.setattr(Request, "auth", writer)
    for page in pages:
        told = client.get(page).content.decode()
        assert "not yet" in told
        assert "never" in told


@pytest.mark.parametrize("query", ["limit=0", "door=window", "since=yesterday", "prompt=greeter"])
def test_a_filter_that_makes_no_sense_is_a_400(client: Client, query: str) -> None:
    assert client.get(f"/prompts/-/changes?{query}").status_code == 400


def test_files_are_brought_in_and_taken_out_unchanged(client: Client) -> None:
    sent = file("Hello {{name}}")
    done = send_files(client, sent, query="?why=nightly").json()["done"]
    assert done == ["greeter: created", "greeter v1: published", "greeter v1: live"]
    for address in ("/prompts/-/files", f"{GREETER}/files"):
        assert client.get(address).content == pack([sent])
    assert send_files(client, sent).json() == {"done": []}


def test_a_check_of_files_names_what_differs_and_changes_nothing(client: Client) -> None:
    with pytest.raises(ChangeRefused, match="is not here yet"):
        send_files(client, file("Hello"), query="?check=1")
    assert not PromptVersion.objects.exists()
    send_files(client, file("Hello"))
    assert send_files(client, file("Hello"), query="?check=1").status_code == 200


def test_files_that_cannot_be_read_are_a_400_that_says_where(client: Client) -> None:
    reply = client.post("/prompts/-/files", b"name: [", content_type="application/yaml")
    assert (reply.status_code, "body:1" in reply.json()["detail"]) == (400, True)


def test_what_is_downloaded_has_an_etag(client: Client) -> None:
    send_files(client, file("Hello"))
    reply = client.get("/prompts/-/files")
    assert [one.version for one in unpack(reply.content, name="zip")] == ["v1"]
    assert client.get("/prompts/-/files", headers={"if-none-match": reply["ETag"]}).status_code == 304


def test_a_webhook_is_made_changed_and_deleted(client: Client) -> None:
    made = post(client, HOOKS, url="https://example.com/hook", description="Chat").json()
    assert made["secret"] == Webhook.objects.get().secret
    address = f"{HOOKS}/{made['id']}"
    changed = client.patch(address, {"active": False}, content_type="application/json").json()
    assert (changed["active"], changed["url"], "secret" in changed) == (False, made["url"], False)
    assert client.delete(address).status_code == 204
    assert client.get(HOOKS).json() == {"webhooks": []}


def test_a_webhook_takes_web_addresses_only(client: Client) -> None:
    with pytest.raises(ChangeRefused, match="url: Enter a valid URL"):
        post(client, HOOKS, url="file:///etc/passwd")


def test_deliveries_are_listed_and_sent_again(client: Client, draft: MakeVersion) -> None:
    hook = Webhook.objects.create(url="https://example.com/hook")
    draft("v1")
    WebhookDelivery.objects.update(state="given up", attempts=10, ended_at=timezone.now())
    address = f"{HOOKS}/{hook.pk}/deliveries"
    (given_up,) = client.get(address).json()["deliveries"]
    assert (given_up["verb"], given_up["state"], given_up["attempts"]) == ("save_draft", "given up", 10)
    again = post(client, f"{address}/{given_up['id']}/send-again").json()
    assert (again["state"], again["attempts"]) == ("waiting", 0)


@pytest.mark.parametrize("page", ["changes", "schedule", "examples", "files"])
def test_an_unknown_prompt_has_none_of_it(client: Client, page: str) -> None:
    with pytest.raises(PromptNotFound):
        client.get(f"/prompts/ghost/{page}")


def test_a_key_for_certain_prompts_reaches_no_other() -> None:
    request = Request(RequestFactory().get("/"))
    request.auth = SimpleNamespace(allowed_prompts=frozenset({"greeter"}))
    check_prompt(request, "greeter")
    with pytest.raises(PermissionDenied, match="may not use the prompt secret"):
        check_prompt(request, "secret")


def test_with_review_files_do_not_get_around_it(client: Client, settings: Any, prompt: Any, ada: By) -> None:
    settings.PROMPTS = settings.PROMPTS | {"REQUIRE_REVIEW": True}
    with pytest.raises(ChangeRefused, match="somebody else must review"):
        send_files(client, file("Hello"))
    post(client, f"{GREETER}/versions", version="v2", user="Hello")
    with pytest.raises(ChangeRefused, match="somebody else must review"):
        post(client, f"{GREETER}/versions/v2/publish")
    services.publish_version(prompt="greeter", version="v2", **ada)
