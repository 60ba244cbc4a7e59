from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from prompts_app import conf, services
from prompts_app.changes import By
from prompts_app.models import Prompt, PromptChange, PromptVersion, RegistryRevision
from prompts_app.tests.conftest import MakeVersion


def write(root: Path, label: str, *, user: str = "Hello {{name}}", description: str = "Says hello.") -> None:
    path = root / "greeter" / f"{label}.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"name: greeter\nversion: {label}\ndescription: {description}\nuser: '{user}'\n")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for label in ("v1", "v9", "v10"):
        write(tmp_path, label)
    return tmp_path


def run(command: str, *arguments: object) -> None:
    call_command(command, *map(str, arguments))


def report(command: str, *arguments: object) -> str:
    with pytest.raises(CommandError) as caught:
        run(command, *arguments)
    return str(caught.value)


@pytest.mark.django_db
def test_new_files_are_published_and_a_new_prompt_goes_live_with_its_highest_version(files: Path) -> None:
    run("sync_prompts", files)
    prompt = Prompt.objects.get()
    assert (prompt.name, prompt.description, str(prompt.active_version)) == ("greeter", "Says hello.", "v10")
    assert set(prompt.versions.values_list("label", "status")) == {
        ("v1", "published"),
        ("v9", "published"),
        ("v10", "published"),
    }


@pytest.mark.django_db
def test_to_who_follows_the_registry_a_run_is_one_change(files: Path) -> None:
    Prompt.objects.create(name="another")
    before = RegistryRevision.objects.get().value
    run("sync_prompts", files)
    assert RegistryRevision.objects.get().value == before + 1
    Prompt.objects.all()[0].save()
    assert RegistryRevision.objects.get().value == before + 2


@pytest.mark.django_db
def test_a_second_run_does_nothing(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("sync_prompts", files)
    changes = PromptChange.objects.count()
    run("sync_prompts", files, "--force", "--activate")
    assert PromptChange.objects.count() == changes
    assert "3 files, nothing new" in capsys.readouterr().out


@pytest.mark.django_db
def test_what_an_editor_made_live_stays_live(files: Path, ada: By) -> None:
    run("sync_prompts", files)
    services.activate_version(prompt="greeter", version="v1", **ada)
    write(files, "v11")
    run("sync_prompts", files)
    assert str(Prompt.objects.get().active_version) == "v1"


@pytest.mark.django_db
def test_activate_makes_the_highest_version_live(files: Path, ada: By) -> None:
    run("sync_prompts", files)
    services.set_split(prompt="greeter", split={"v1": 50, "v9": 50}, **ada)
    run("sync_prompts", files, "--activate")
    prompt = Prompt.objects.get()
    assert (str(prompt.active_version), prompt.traffic_split) == ("v10", {})


@pytest.mark.django_db
@pytest.mark.parametrize("options", [[], ["--force"]])
def test_a_changed_file_of_a_published_version_is_refused(files: Path, options: list[str]) -> None:
    run("sync_prompts", files)
    write(files, "v9", user="Bye {{name}}")
    write(files, "v11")
    says = report("sync_prompts", files, *options)
    assert says == "greeter v9: greeter/v9.yaml differs in user from what is published: make it a new version"
    assert not PromptVersion.objects.filter(label="v11").exists()


def test_an_edited_draft_is_overwritten_only_by_force(draft: MakeVersion, files: Path) -> None:
    draft("v9")
    assert "greeter/v9.yaml differs in user from the draft of ada" in report("sync_prompts", files)
    run("sync_prompts", files, "--force")
    version = PromptVersion.objects.get(label="v9")
    assert (version.user, version.status) == ("Hello {{name}}", "published")


def test_an_edited_description_is_overwritten_only_by_force(prompt: Prompt, files: Path, ada: By) -> None:
    services.describe_prompt(prompt="greeter", description="Edited.", **ada)
    assert "the description was edited here" in report("sync_prompts", files)
    run("sync_prompts", files, "--force")
    assert Prompt.objects.get().description == "Says hello."


@pytest.mark.django_db
def test_check_tells_every_difference_and_changes_nothing(files: Path, ada: By) -> None:
    run("sync_prompts", files)
    run("sync_prompts", files, "--check")
    (files / "greeter" / "v1.yaml").unlink()
    write(files, "v9", user="Bye {{name}}")
    write(files, "v11")
    before = PromptChange.objects.count()
    assert report("sync_prompts", files, "--check").splitlines() == [
        "greeter v9: greeter/v9.yaml differs in user from what is published: make it a new version",
        "greeter v11: greeter/v11.yaml is not here yet",
        "greeter v1: published here, in no file",
    ]
    assert PromptChange.objects.count() == before


@pytest.mark.django_db
def test_a_run_is_all_or_nothing(files: Path) -> None:
    write(files, "bad", user="")
    assert "greeter/bad.yaml:4: user: a prompt needs a user text" in report("sync_prompts", files)
    assert not Prompt.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("other/v1.yaml", "other/v1.yaml: holds greeter v1"),
        ("greeter/v2.yaml", "greeter/v2.yaml: holds greeter v1"),
    ],
)
def test_a_file_lies_where_its_name_says(tmp_path: Path, path: str, says: str) -> None:
    (tmp_path / path).parent.mkdir()
    (tmp_path / path).write_text("name: greeter\nversion: v1\nuser: x\n")
    assert says in report("sync_prompts", tmp_path)


@pytest.mark.django_db
def test_files_of_one_prompt_agree_on_its_description(files: Path) -> None:
    write(files, "v9", description="Other.")
    assert "greeter/v9.yaml: the description is not that of greeter/v1.yaml" in report("sync_prompts", files)


@pytest.mark.django_db
def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    assert "no such directory" in report("sync_prompts", tmp_path / "nowhere")


@pytest.mark.django_db
def test_the_bundled_prompts_go_in_and_come_out_byte_for_byte(tmp_path: Path) -> None:
    run("sync_prompts")
    run("export_prompts", tmp_path)
    written = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*.yaml")}
    bundled = conf.directory()
    assert written == {path.relative_to(bundled): path.read_bytes() for path in bundled.rglob("*.yaml")}
    assert len(written) >= 7


def test_export_writes_published_versions_only(
    published: MakeVersion, draft: MakeVersion, tmp_path: Path
) -> None:
    published("v1")
    draft("v2")
    run("export_prompts", tmp_path)
    assert [path.name for path in tmp_path.rglob("*.yaml")] == ["v1.yaml"]


@pytest.mark.django_db
def test_files_were_reviewed_where_they_were_written(files: Path, settings: Settings) -> None:
    settings.PROMPTS = settings.PROMPTS | {"REQUIRE_REVIEW": True}
    run("sync_prompts", files)
    assert PromptVersion.objects.get(label="v1").author == "greeter/v1.yaml"
