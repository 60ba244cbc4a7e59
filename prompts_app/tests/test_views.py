from typing import Any

import pytest
from django.test import Client

from prompts_app import services
from prompts_app.changes import By
from prompts_app.exceptions import PromptNotFound, VariablesInvalid, VersionNotFound
from prompts_app.tests.conftest import MakeVersion

pytestmark = [pytest.mark.urls("prompts_app.tests.urls"), pytest.mark.usefixtures("bare_errors")]


@pytest.fixture
def live(published: MakeVersion, draft: MakeVersion, ada: By) -> None:
    published("v1", system="Be kind to {{name}}.", parameters={"temperature": 0.2})
    published("v2")
    draft("v3")
    services.set_split(prompt="greeter", split={"v1": 100, "v2": 0}, active_version="v2", **ada)


def get(client: Client, path: str) -> Any:
    return client.get(path).json()


def post(client: Client, path: str, body: Any, **headers: str) -> Any:
    return client.post(path, body, content_type="application/json", headers=headers)


def test_prompts_are_listed_with_what_is_live(client: Client, live: None) -> None:
    (prompt,) = get(client, "/prompts")["prompts"]
    assert prompt | {"updated_at": "", "revision": 0} == {
        "name": "greeter",
        "description": "Says hello.",
        "active_version": "v2",
        "traffic_split": {"v1": 100, "v2": 0},
        "pinned_version": None,
        "phase": 1,
        "revision": 0,
        "updated_at": "",
        "versions": [
            {"version": "v3", "status": "draft"},
            {"version": "v2", "status": "published"},
            {"version": "v1", "status": "published"},
        ],
    }
    assert get(client, "/prompts/greeter") == prompt


def test_a_version_is_told_whole(client: Client, live: None) -> None:
    assert get(client, "/prompts/greeter/versions/v1") == {
        "name": "greeter",
        "version": "v1",
        "status": "published",
        "system": "Be kind to {{name}}.",
        "user": "v1: hello {{name}}",
        "messages": [],
        "model": "",
        "parameters": {"temperature": 0.2},
        "variables": {},
        "response_schema": None,
        "notes": "",
    }


@pytest.mark.parametrize("path", ["/prompts/ghost", "/prompts/ghost/versions/v1"])
def test_an_unknown_prompt_is_not_found(client: Client, live: None, path: str) -> None:
    with pytest.raises(PromptNotFound):
        client.get(path)


@pytest.mark.parametrize("version", ["v3", "v9"])
def test_drafts_and_unknown_versions_are_not_found(client: Client, live: None, version: str) -> None:
    with pytest.raises(VersionNotFound):
        client.get(f"/prompts/greeter/versions/{version}")


def test_a_prompt_is_rendered_without_being_sent(client: Client, live: None) -> None:
    reply = post(client, "/prompts/greeter/render", {"variables": {"name": "Ada"}})
    assert reply["X-Prompt-Version"] == "v1"
    assert reply.json() == {
        "prompt_name": "greeter",
        "version": "v1",
        "phase": 1,
        "arm_reason": "split",
        "messages": [
            {"role": "system", "content": "Be kind to Ada."},
            {"role": "user", "content": "v1: hello Ada"},
        ],
        "model": None,
        "parameters": {"temperature": 0.2},
        "response_schema": None,
    }


def test_a_version_is_rendered_on_demand(client: Client, live: None) -> None:
    body = {"variables": {"name": "Ada"}}
    for path, version in (("render", "v2"), ("versions/v2/render", None)):
        reply = post(client, f"/prompts/greeter/{path}", body | ({"version": version} if version else {}))
        assert (reply.json()["version"], reply.json()["arm_reason"]) == ("v2", "pinned by caller")


def test_a_session_keeps_its_version(client: Client, live: None, ada: By) -> None:
    services.set_split(prompt="greeter", split={"v1": 50, "v2": 50}, **ada)
    body = {"variables": {"name": "Ada"}, "user": "someone else"}

    def version(session: str) -> str:
        return str(post(client, "/prompts/greeter/render", body, x_session_id=session)["X-Prompt-Version"])

    first = [version(str(session)) for session in range(20)]
    assert set(first) == {"v1", "v2"}
    assert [version(str(session)) for session in range(20)] == first


def test_wrong_variables_are_refused(client: Client, live: None) -> None:
    with pytest.raises(VariablesInvalid, match="missing variables: name"):
        post(client, "/prompts/greeter/render", {})


@pytest.mark.parametrize("body", ["[]", "{", '{"variables": 1}', '{"variables": {}, "version": {}}', "NaN"])
def test_a_wrong_body_is_a_400(client: Client, live: None, body: str) -> None:
    assert post(client, "/prompts/greeter/render", body).status_code == 400
