import csv
import io
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from prompts_app import services
from prompts_app.archives import pack, unpack
from prompts_app.changes import By
from prompts_app.content import VersionContent
from prompts_app.models import Prompt, PromptVersion
from prompts_app.tests.conftest import MakeVersion
from prompts_app.yaml_files import PromptFile

pytestmark = [pytest.mark.urls("prompts_app.tests.urls"), pytest.mark.django_db]

UPLOAD = "/admin/prompts_app/prompt/upload/"


def file(user: str) -> PromptFile:
    return PromptFile(
        name="greeter",
        version="v1",
        description="Says hello.",
        content=VersionContent(user=user),
        source="greeter/v1.yaml",
    )


def upload(client: Client, user: str, **options: str) -> Any:
    return client.post(UPLOAD, {"file": SimpleUploadedFile("prompts.zip", pack([file(user)]))} | options)


def test_a_zip_is_brought_in_by_its_user(admin_client: Client) -> None:
    assert upload(admin_client, "Hello", why="from the repo").status_code == 302
    change = PromptVersion.objects.get().prompt.changes.earliest("id")
    assert (change.actor, change.door, change.why) == ("admin", "admin", "from the repo")
    assert str(Prompt.objects.get().active_version) == "v1"


def test_a_refused_upload_changes_nothing_and_says_why(admin_client: Client) -> None:
    upload(admin_client, "Hello")
    response = upload(admin_client, "Bye")
    assert "differs in user from what is published" in response.content.decode()
    assert PromptVersion.objects.get().user == "Hello"


def test_an_upload_does_not_get_around_the_review(admin_client: Client, settings: Settings) -> None:
    settings.PROMPTS = settings.PROMPTS | {"REQUIRE_REVIEW": True}
    assert "somebody else must review" in upload(admin_client, "Hello").content.decode()
    assert not Prompt.objects.exists()


def test_only_those_who_edit_and_publish_upload(client: Client, django_user_model: Any) -> None:
    client.force_login(django_user_model.objects.create_user("viewer", is_staff=True))
    assert client.get(UPLOAD).status_code == 403


def test_one_prompt_or_all_are_downloaded(admin_client: Client, published: MakeVersion, ada: By) -> None:
    published("v1")
    services.create_prompt(name="other", **ada)
    prompt = Prompt.objects.get(name="greeter")
    for path in ("/admin/prompts_app/prompt/download/", f"/admin/prompts_app/prompt/{prompt.pk}/download/"):
        response = admin_client.get(path)
        assert [found.source for found in unpack(response.content, name="x")] == ["greeter/v1.yaml"]
    assert response["Content-Disposition"] == 'attachment; filename="greeter.zip"'


def test_the_history_is_downloaded_as_csv_with_the_filters_of_the_list(
    admin_client: Client, published: MakeVersion, ada: By
) -> None:
    published("v1")
    services.activate_version(prompt="greeter", version="v1", **ada | {"why": '=cmd|"x"'})
    response = admin_client.get("/admin/prompts_app/promptchange/csv/?verb=activate_version")
    (row,) = csv.DictReader(io.StringIO(response.content.decode()))
    assert (row["prompt"], row["actor"], row["why"]) == ("greeter", "ada", '\'=cmd|"x"')
    assert '"active_version": "v1"' in row["after"]
