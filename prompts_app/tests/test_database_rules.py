"""The rules that hold for whoever writes, raw SQL included."""

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from prompts_app.changes import By
from prompts_app.models import Prompt, PromptChange, PromptVersion, RegistryRevision
from prompts_app.services import set_split
from prompts_app.tests.conftest import MakeVersion

CONTENT = [
    "system",
    "user",
    "messages",
    "model",
    "parameters",
    "variables",
    "response_schema",
    "notes",
    "label",
]


def refused(sql: str, *values: object) -> str:
    with pytest.raises(DatabaseError) as caught, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, values)
    return str(caught.value)


@pytest.mark.parametrize("column", CONTENT)
def test_no_column_of_a_published_version_changes(published: MakeVersion, column: str) -> None:
    version = published("v1")
    value = (
        '["x"]' if column in ("messages", "parameters", "variables", "response_schema", "partials") else "x"
    )
    assert "cannot change" in refused(f'UPDATE prompts_app_promptversion SET "{column}" = %s', value)  # noqa: S608
    version.refresh_from_db()


def test_a_published_version_never_becomes_a_draft_again(published: MakeVersion) -> None:
    published("v1")
    assert "cannot change" in refused(
        "UPDATE prompts_app_promptversion SET status = 'draft', published_at = NULL"
    )


def test_a_published_version_is_never_deleted(published: MakeVersion) -> None:
    published("v1")
    assert "cannot be deleted" in refused("DELETE FROM prompts_app_promptversion")


def test_a_draft_may_be_deleted(draft: MakeVersion) -> None:
    draft("v1").delete()
    assert not PromptVersion.objects.exists()


def test_a_live_version_is_not_archived(published: MakeVersion, ada: By) -> None:
    published("v1")
    set_split(prompt="greeter", split={"v1": 100}, **ada)
    assert "is live" in refused("UPDATE prompts_app_promptversion SET status = 'archived'")


@pytest.mark.parametrize(
    ("split", "says"),
    [
        ('{"v1": 90}', "sums up to 90"),
        ('{"v1": 90.5, "v2": 9.5}', "whole percents"),
        ('{"v1": 110, "v2": -10}', "whole percents"),
        ('{"v1": "100"}', "whole percents"),
        ('{"v1": 50, "v3": 50}', "no published version"),
        ('{"v1": 50, "v9": 50}', "no published version"),
        ("[100]", "an object"),
    ],
)
def test_a_split_is_a_hundred_whole_percents_of_published_versions(
    published: MakeVersion, draft: MakeVersion, split: str, says: str
) -> None:
    published("v1")
    published("v2")
    draft("v3")
    assert says in refused("UPDATE prompts_app_prompt SET traffic_split = %s", split)


def test_a_version_of_another_prompt_is_never_active(published: MakeVersion, ada: By) -> None:
    stranger = Prompt.objects.create(name="stranger")
    version = published("v1")
    assert "of this prompt" in refused(
        "UPDATE prompts_app_prompt SET active_version_id = %s WHERE id = %s", version.pk, stranger.pk
    )


@pytest.mark.parametrize(
    "sql", ["UPDATE prompts_app_promptchange SET why = ''", "DELETE FROM prompts_app_promptchange"]
)
def test_history_is_append_only(prompt: Prompt, sql: str) -> None:
    assert "append-only" in refused(sql)
    assert PromptChange.objects.count() == 1


@pytest.mark.parametrize("name", ["", "Upper", "a/b", "..", "a b", "-a", "a" * 65, "a\n"])
def test_a_prompt_s_name_is_a_slug(db: None, name: str) -> None:
    with pytest.raises(DatabaseError), transaction.atomic():
        Prompt.objects.create(name=name)


@pytest.mark.parametrize("label", ["", "a/b", "..", "v 1", "-v", "v" * 33, "v1\n"])
def test_a_version_s_label_is_a_plain_word(prompt: Prompt, label: str) -> None:
    with pytest.raises(DatabaseError), transaction.atomic():
        PromptVersion.objects.create(prompt=prompt, label=label, author="ada")


def test_a_prompt_has_each_label_once(prompt: Prompt) -> None:
    PromptVersion.objects.create(prompt=prompt, label="v1", author="ada")
    with pytest.raises(IntegrityError), transaction.atomic():
        PromptVersion.objects.create(prompt=prompt, label="v1", author="ada")


def test_every_statement_that_touches_the_registry_gives_it_a_new_revision(prompt: Prompt) -> None:
    seen = {RegistryRevision.objects.get().value}
    prompt.save()
    seen.add(RegistryRevision.objects.get().value)
    version = PromptVersion.objects.create(prompt=prompt, label="v1", author="ada")
    seen.add(RegistryRevision.objects.get().value)
    version.delete()
    seen.add(RegistryRevision.objects.get().value)
    assert len(seen) == 4
