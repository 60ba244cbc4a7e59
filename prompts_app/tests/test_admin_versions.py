import pytest
from django.http import HttpResponse
from django.test import Client

from prompts_app import services
from prompts_app.changes import By
from prompts_app.models import Prompt, PromptChange, PromptVersion
from prompts_app.tests.conftest import MakeVersion
from prompts_app.tests.pages import fields, page, text

pytestmark = pytest.mark.urls("prompts_app.tests.urls")


def test_a_new_version_begins_as_a_copy_of_the_newest(admin: Client, live: Prompt) -> None:
    add = f"/admin/prompts_app/promptversion/add/?prompt={live.pk}"
    form = fields(admin.get(add))
    assert (form["label"], form["user"], form["prompt"]) == ("v3", "v2: hello {{name}}", live.pk)
    assert admin.post(add, form | {"user": "Hi {{name}}"}).status_code == 302
    version = PromptVersion.objects.get(label="v3")
    assert (version.user, version.status, version.author) == ("Hi {{name}}", "draft", "grace")


def test_a_new_version_may_begin_as_a_copy_of_any(admin: Client, live: Prompt) -> None:
    first = live.versions.get(label="v1")
    form = fields(admin.get(f"/admin/prompts_app/promptversion/add/?prompt={live.pk}&from={first.pk}"))
    assert form["system"] == "Be kind."


def test_a_taken_label_is_refused(admin: Client, live: Prompt, draft: MakeVersion) -> None:
    draft("v3", user="mine")
    response = admin.post(
        "/admin/prompts_app/promptversion/add/", {"prompt": live.pk, "label": "v3", "user": "other"}
    )
    assert "already exists" in text(response) or "already" in text(response)
    assert PromptVersion.objects.get(label="v3").user == "mine"


def test_a_draft_is_edited_and_its_problems_are_shown(admin: Client, draft: MakeVersion) -> None:
    version = draft("v1", parameters={"temperature": 0.5})
    sent = fields(admin.get(page(version))) | {"user": "{{a}}", "parameters": '{"temperature": 9}'}
    assert admin.post(page(version), sent).status_code == 302
    version.refresh_from_db()
    assert (version.user, version.parameters) == ("{{a}}", {"temperature": 9})
    assert "parameters: temperature breaks the rule maximum 2" in text(admin.get(page(version)))


def test_json_of_the_wrong_shape_is_explained(admin: Client, draft: MakeVersion) -> None:
    version = draft("v1")
    response = admin.post(
        page(version), fields(admin.get(page(version))) | {"messages": '[{"role": "robot"}]'}
    )
    assert "messages: 0" in text(response)


UNSTORABLE = [
    r'{"a": "\ud800"}',
    r'{"\u0000": 1}',
    '{"a": NaN}',
    '{"a": 1e999}',
    '{"a": ' + "1" * 5_000 + "}",
    "[" * 100 + "]" * 100,
    "[" * 50_000,
]


@pytest.mark.parametrize("typed", UNSTORABLE, ids=range(len(UNSTORABLE)))
@pytest.mark.parametrize("field", ["variables", "parameters", "messages", "response_schema"])
def test_json_that_cannot_be_stored_is_told_and_shown_as_it_was_typed(
    admin: Client, draft: MakeVersion, field: str, typed: str
) -> None:
    version = draft("v1")
    sent = fields(admin.get(page(version))) | {field: typed}
    response = admin.post(page(version), sent)
    assert "Holds what cannot be stored" in text(response)
    assert fields(response)[field] == typed
    told = admin.post(f"/admin/prompts_app/promptversion/{version.pk}/check/", sent).json()
    assert f"{field}: Holds what cannot be stored" in told["problems"][0]


def test_a_split_that_cannot_be_stored_is_told(admin: Client, live: Prompt) -> None:
    sent = fields(admin.get(page(live))) | {"traffic_split": r'{"\ud800": 100}'}
    assert "Holds what cannot be stored" in text(admin.post(page(live), sent))


def test_a_published_version_is_shown_and_not_edited(admin: Client, live: Prompt) -> None:
    version = live.versions.get(label="v1")
    assert "Be kind." in text(admin.get(page(version)))
    assert admin.post(page(version), {"user": "changed"}).status_code == 403


def test_only_drafts_can_be_deleted(admin: Client, live: Prompt, draft: MakeVersion) -> None:
    version = draft("v3")
    assert admin.post(page(live.versions.get(label="v1"), "delete"), {"post": "yes"}).status_code == 403
    assert admin.post(page(version, "delete"), {"post": "yes"}).status_code == 302
    assert PromptChange.objects.latest("id").verb == "delete_draft"


def test_markup_in_a_prompt_is_only_text(admin: Client, draft: MakeVersion, ada: By) -> None:
    version = draft("v1", system="<script>alert(1)</script> {{name}}", notes="<b>bold</b>")
    services.publish_version(prompt="greeter", version="v1", **ada | {"why": "<i>x</i>"})
    for path in (
        page(version),
        page(version.prompt),
        "/admin/prompts_app/prompt/",
        "/admin/prompts_app/promptchange/",
    ):
        response: HttpResponse = admin.get(path)
        assert b"<script>alert(1)" not in response.content
        assert b"<b>bold" not in response.content
        assert b"<i>x" not in response.content


def test_two_versions_are_compared_word_by_word(admin: Client, live: Prompt, published: MakeVersion) -> None:
    published("v3", system="Be brief.", parameters={"temperature": 1}, user="{{name}}")
    html = admin.get(page(live, "compare"), {"old": "v1", "new": "v3"}).content.decode()
    assert "Be <del>kind</del>." in html
    assert "Be <ins>brief</ins>." in html
    assert "temperature" in html
    assert "Rendered with sample values" in html
    assert "[name]" in html


def test_comparing_begins_with_the_live_version_and_the_newest(admin: Client, live: Prompt) -> None:
    response = admin.get(page(live, "compare"))
    assert [str(version) for _, version in response.context["choices"]] == ["v1", "v2"]


def test_a_broken_draft_can_be_compared_too(admin: Client, live: Prompt, draft: MakeVersion) -> None:
    draft("v3", variables={"type": "nothing"})
    assert "not a JSON Schema" in text(admin.get(page(live, "compare"), {"new": "v3"}))


def test_what_is_cleared_in_the_editor_is_empty_afterwards(admin: Client, draft: MakeVersion) -> None:
    version = draft(
        "v1", parameters={"temperature": 1}, variables={"type": "object"}, response_schema={"a": 1}
    )
    cleared = {"parameters": "", "variables": "", "response_schema": "", "messages": ""}
    assert admin.post(page(version), fields(admin.get(page(version))) | cleared).status_code == 302
    version.refresh_from_db()
    assert (version.parameters, version.variables, version.messages) == ({}, {}, [])
    assert version.response_schema is None


def test_the_editor_is_told_what_it_holds_while_one_types(admin: Client, draft: MakeVersion) -> None:
    version = draft("v1", variables={"properties": {"name": {}, "tone": {"default": "kind"}, "old": {}}})
    typed = fields(admin.get(page(version))) | {"user": "Hello {{name}}, {{tone}}", "parameters": "{oops"}
    found = admin.post(page(version, "check"), typed).json()
    assert (found["variables"], found["optional"], found["unused"]) == (["name", "tone"], ["tone"], ["old"])
    assert found["problems"] == ["parameters: Enter a valid JSON."]
    version.refresh_from_db()
    assert version.user == "v1: hello {{name}}"


def test_a_version_that_does_not_exist_yet_is_checked_too(admin: Client, prompt: Prompt) -> None:
    typed = {
        "prompt": prompt.pk,
        "label": "v1",
        "user": "{{> ghost}} and {{x}}",
        "parameters": '{"top_p": 2}',
    }
    found = admin.post("/admin/prompts_app/promptversion/check/", typed).json()
    assert found["includes"] == ["ghost"]
    assert found["problems"] == [
        "there is no live prompt ghost to include",
        "parameters: top_p breaks the rule maximum 1",
    ]


def test_a_field_that_is_not_sent_keeps_its_text(admin: Client, draft: MakeVersion) -> None:
    version = draft("v1", system="Be kind.", parameters={"temperature": 1})
    assert admin.post(page(version), {"user": "Hi {{name}}"}).status_code == 302
    version.refresh_from_db()
    assert (version.system, version.user, version.parameters) == (
        "Be kind.",
        "Hi {{name}}",
        {"temperature": 1},
    )


def test_variables_are_a_table_for_who_reads_no_schema(admin: Client, published: MakeVersion) -> None:
    size = {"enum": ["short", "long"], "default": "short", "description": "How much."}
    schema = {"properties": {"name": {"type": "string"}, "size": size}}
    version = published("v1", user="{{name}} {{size}}", variables=schema)
    told = text(admin.get(page(version)))
    assert "name string required" in told
    assert "size short or long optional: short How much." in told
