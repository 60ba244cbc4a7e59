"""The page around the playground: what can be chosen, which fields there are, who may come."""

import json
import re
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from prompts_app import services
from prompts_app.changes import By
from prompts_app.content import VersionContent
from prompts_app.models import Example, Prompt
from prompts_app.tests.conftest import MakeVersion
from prompts_app.variable_fields import PREFIX, variables_form

pytestmark = pytest.mark.urls("prompts_app.tests.urls")

SCHEMA = {
    "type": "object",
    "properties": {
        "text": {"type": "string", "description": "What to read."},
        "tone": {"enum": ["kind", "dry"], "default": "kind"},
        "words": {"type": "integer", "default": 50},
        "strict": {"type": "boolean"},
        "labels": {"type": "array"},
    },
}


def member(client: Client, group: str) -> Client:
    user = User.objects.create_user(group.lower(), is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    client.force_login(user)
    return client


@pytest.fixture
def editor(client: Client, db: None) -> Client:
    return member(client, "Editors")


def page(prompt: Prompt, name: str = "try") -> str:
    return f"/admin/prompts_app/prompt/{prompt.pk}/{name}/"


def chosen(client: Client, prompt: Prompt, **query: Any) -> list[str]:
    versions = client.get(page(prompt), query).context["versions"]
    return [version["row"].label for version in versions if version["chosen"]]


def test_the_live_versions_and_the_newest_are_chosen_at_first(
    editor: Client, prompt: Prompt, published: MakeVersion, draft: MakeVersion, ada: By
) -> None:
    for label in ("v1", "v2", "v3"):
        published(label)
    draft("v4")
    services.set_split(prompt="greeter", split={"v1": 50, "v2": 50}, **ada)
    assert chosen(editor, prompt) == ["v4", "v2", "v1"]
    assert chosen(editor, prompt, version="v3") == ["v3"]


def test_each_version_says_which_variables_it_takes(
    editor: Client, prompt: Prompt, draft: MakeVersion
) -> None:
    draft("v1", user="{{name}}")
    draft("v2", user="{{name}} {{town}}")
    shown = editor.get(page(prompt)).context["page_data"]
    assert shown["variables"] == {"v1": ["name"], "v2": ["name", "town"]}


def test_the_fields_follow_the_schema() -> None:
    text = " ".join(f"{{{{{name}}}}}" for name in SCHEMA["properties"])  # type: ignore[attr-defined]
    form = variables_form([VersionContent(user=text, variables=SCHEMA)])
    kinds = {
        name.removeprefix(PREFIX): field.widget.attrs["data-kind"] for name, field in form.fields.items()
    }
    assert kinds == {"text": "text", "tone": "json", "words": "number", "strict": "json", "labels": "json"}
    assert '<option value="&quot;kind&quot;" selected>kind</option>' in str(form[PREFIX + "tone"])
    assert '<option value="true">true</option>' in str(form[PREFIX + "strict"])
    assert 'value="50"' in str(form[PREFIX + "words"])


@pytest.mark.parametrize("schema", [{"type": "nonsense"}, {"properties": {"a": True}}])
def test_a_draft_with_a_strange_schema_does_not_break_the_page(
    editor: Client, prompt: Prompt, draft: MakeVersion, schema: Any
) -> None:
    draft("v1", user="{{a}}", variables=schema)
    assert editor.get(page(prompt)).status_code == 200


def test_a_version_cannot_smuggle_markup_into_the_page(
    editor: Client, prompt: Prompt, draft: MakeVersion
) -> None:
    evil = "</script><script>alert(1)</script>"
    draft("v1", user="{{a}}", variables={"properties": {"a": {"description": evil, "default": evil}}})
    html = editor.get(page(prompt)).content.decode()
    assert "<script>alert" not in html


def test_the_page_runs_no_script_of_its_own(editor: Client, prompt: Prompt, draft: MakeVersion) -> None:
    draft("v1")
    html = editor.get(page(prompt)).content.decode()
    body = html[html.index('id="playground"') :]
    panel = body[: body.index("playground.js")]
    assert not re.search(
        r"<script(?! id=\"playground-data\" type=\"application/json\")(?! src=)|\son\w+=", panel
    )


def test_an_input_is_kept_and_forgotten_from_the_page(editor: Client, prompt: Prompt) -> None:
    sent = {"name": "hers", "variables": {"name": "Grace"}}
    kept = editor.post(page(prompt, "examples"), sent, content_type="application/json")
    assert kept.json() == {"examples": {"hers": {"name": "Grace"}}}
    left = editor.delete(page(prompt, "examples"), json.dumps(sent), content_type="application/json")
    assert left.json() == {"examples": {}}


@pytest.mark.parametrize(
    "body", ["", "[]", '{"name": 1, "variables": {}}', '{"name": "", "variables": {}}', "[" * 99_999]
)
def test_a_broken_example_is_explained(editor: Client, prompt: Prompt, body: str) -> None:
    refused = editor.post(page(prompt, "examples"), body, content_type="application/json")
    assert refused.status_code == 400
    assert "example has a name" in refused.json()["error"]


def test_viewers_find_no_button_and_a_closed_door(client: Client, prompt: Prompt, draft: MakeVersion) -> None:
    draft("v1")
    viewer = member(client, "Viewers")
    assert "Try it" not in viewer.get(page(prompt, "change")).content.decode()
    assert viewer.get(page(prompt)).status_code == 403
    sent = {"name": "hers", "variables": {}}
    assert viewer.post(page(prompt, "examples"), sent, content_type="application/json").status_code == 403
    assert not Example.objects.exists()


@pytest.mark.parametrize("group", ["Editors", "Publishers"])
def test_editors_and_publishers_may_try(
    client: Client, prompt: Prompt, draft: MakeVersion, group: str
) -> None:
    draft("v1")
    person = member(client, group)
    assert "Try it" in person.get(page(prompt, "change")).content.decode()
    assert person.get(page(prompt)).status_code == 200
