from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from prompts_app import services
from prompts_app.changes import By
from prompts_app.content import VersionContent
from prompts_app.exceptions import ChangeRefused
from prompts_app.models import Prompt, PromptVersion
from prompts_app.partials import expand, included
from prompts_app.registry import Registry


def make_live(name: str, user: str, by: By, *, label: str = "v1") -> PromptVersion:
    if not Prompt.objects.filter(name=name).exists():
        services.create_prompt(name=name, **by)
    services.save_draft(prompt=name, version=label, content=VersionContent(user=user), **by)
    version = services.publish_version(prompt=name, version=label, **by)
    services.activate_version(prompt=name, version=label, **by)
    return version


def rendered(prompt: str, **variables: str) -> str:
    registry = Registry()
    registry.catch_up()
    return registry.resolve(prompt, variables=variables, unit="u").messages[0].content


def test_an_inclusion_is_a_prompt_s_name_between_braces() -> None:
    assert included(["{{> tone}} {{>rules_2}} {{ > x}} {{> Upper}} {{tone}}", "{{> tone }}"]) == [
        "tone",
        "rules_2",
    ]
    assert expand("a {{> tone}} {{> other}}", {"tone": "{{> other}}"}) == "a {{> other}} {{> other}}"


@pytest.mark.django_db
def test_a_prompt_includes_the_live_text_of_another_with_its_variables(ada: By) -> None:
    make_live("tone", "Be {{mood}}.", ada)
    make_live("greeter", "{{> tone}} Hello {{name}}", ada)
    assert rendered("greeter", mood="kind", name="Ada") == "Be kind. Hello Ada"


@pytest.mark.django_db
def test_inclusions_reach_through_each_other(ada: By) -> None:
    make_live("words", "few words", ada)
    make_live("tone", "Use {{> words}}.", ada)
    make_live("greeter", "{{> tone}} Hello", ada)
    assert rendered("greeter") == "Use few words. Hello"


@pytest.mark.django_db
def test_publishing_freezes_what_is_included(ada: By) -> None:
    make_live("tone", "Be kind.", ada)
    make_live("greeter", "{{> tone}} Hello", ada)
    make_live("tone", "Be brief.", ada, label="v2")
    assert rendered("greeter") == "Be kind. Hello"
    make_live("greeter", "{{> tone}} Hi", ada, label="v2")
    assert rendered("greeter") == "Be brief. Hi"


@pytest.mark.django_db
def test_a_draft_is_published_with_what_is_live_at_that_moment(ada: By) -> None:
    make_live("tone", "Be kind.", ada)
    services.create_prompt(name="greeter", **ada)
    services.save_draft(prompt="greeter", version="v1", content=VersionContent(user="{{> tone}}"), **ada)
    make_live("tone", "Be brief.", ada, label="v2")
    services.publish_version(prompt="greeter", version="v1", **ada)
    services.activate_version(prompt="greeter", version="v1", **ada)
    assert rendered("greeter") == "Be brief."


@pytest.mark.django_db
def test_a_cycle_is_refused_by_its_name(ada: By) -> None:
    make_live("a", "one", ada)
    make_live("b", "{{> a}}", ada)
    make_live("c", "{{> b}}", ada)
    with pytest.raises(ChangeRefused, match="include each other: a → c → b → a"):
        services.save_draft(prompt="a", version="v2", content=VersionContent(user="{{> c}}"), **ada)
    with pytest.raises(ChangeRefused, match="a → a"):
        services.save_draft(prompt="a", version="v2", content=VersionContent(system="{{> a}}"), **ada)


@pytest.mark.django_db
def test_what_is_not_live_cannot_be_included(ada: By) -> None:
    services.create_prompt(name="greeter", **ada)
    with pytest.raises(ChangeRefused, match="no live prompt tone to include"):
        services.save_draft(prompt="greeter", version="v1", content=VersionContent(user="{{> tone}}"), **ada)


@pytest.mark.django_db
def test_a_variable_of_an_inclusion_must_be_declared_too(ada: By) -> None:
    make_live("tone", "Be {{mood}}.", ada)
    services.create_prompt(name="greeter", **ada)
    content = VersionContent(user="{{> tone}} {{name}}", variables={"properties": {"name": {}}})
    services.save_draft(prompt="greeter", version="v1", content=content, **ada)
    with pytest.raises(ChangeRefused, match="does not declare mood"):
        services.publish_version(prompt="greeter", version="v1", **ada)


@pytest.mark.django_db
def test_a_text_that_doubles_with_every_inclusion_is_stopped(ada: By) -> None:
    make_live("p0", "x" * 1000, ada)
    with pytest.raises(ChangeRefused, match="larger than 256 kB"):
        for number in range(1, 20):
            make_live(f"p{number}", f"{{{{> p{number - 1}}}}}" * 2, ada)


@pytest.mark.django_db
def test_files_may_come_in_any_order(tmp_path: Path, ada: By) -> None:
    for name, user in (("a", "{{> z}}!"), ("z", "Hello")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "v1.yaml").write_text(f"name: {name}\nversion: v1\nuser: '{user}'\n")
    call_command("sync_prompts", str(tmp_path))
    assert rendered("a") == "Hello!"
    call_command("sync_prompts", str(tmp_path), "--check")


@pytest.mark.django_db
def test_files_that_include_each_other_are_refused(tmp_path: Path) -> None:
    for name, other in (("a", "b"), ("b", "a")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "v1.yaml").write_text(f"name: {name}\nversion: v1\nuser: '{{{{> {other}}}}}'\n")
    with pytest.raises(CommandError, match="include each other"):
        call_command("sync_prompts", str(tmp_path))
