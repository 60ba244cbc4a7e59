import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import pytest
from django.utils.timezone import now
from pytest_django import Settings

from prompts_app import services
from prompts_app.changes import By
from prompts_app.content import from_json
from prompts_app.exceptions import (
    PromptNotFound,
    RegistryUnavailable,
    TemplateInvalid,
    VariablesInvalid,
    VersionNotFound,
)
from prompts_app.models import Prompt, PromptVersion
from prompts_app.registry import Registry
from prompts_app.tests.conftest import MakeVersion, elsewhere, eventually

ADA = {"name": "Ada"}


@pytest.fixture
def registry() -> Registry:
    return Registry(interval=0.02)


@pytest.fixture
def live(published: MakeVersion, ada: By) -> None:
    published("v1", system="Be kind to {{name}}.")
    published("v2")
    services.activate_version(prompt="greeter", version="v1", **ada)


def loaded(registry: Registry) -> Registry:
    registry.catch_up()
    return registry


def test_a_prompt_is_resolved_to_messages(registry: Registry, live: None) -> None:
    resolved = loaded(registry).resolve("greeter", variables=ADA, unit="u")
    assert (resolved.version, resolved.phase, resolved.arm_reason) == ("v1", 1, "active")
    assert [tuple(message) for message in resolved.messages] == [
        ("system", "Be kind to Ada."),
        ("user", "v1: hello Ada"),
    ]


def test_a_version_brings_its_model_parameters_and_examples(
    registry: Registry, published: MakeVersion, ada: By
) -> None:
    content = {
        "messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello {{name}}"}],
        "model": "gemini-2.5-pro",
        "parameters": {"temperature": 0},
        "response_schema": {"type": "object"},
    }
    row = services.save_draft(
        prompt="greeter",
        version="v1",
        content=from_json({"user": "{{name}}"} | content),
        **ada,
    )
    services.publish_version(prompt="greeter", version="v1", **ada)
    resolved = loaded(registry).resolve("greeter", variables=ADA, unit="u", version="v1")
    assert [message.content for message in resolved.messages] == ["hi", "hello Ada", "Ada"]
    assert (resolved.version_id, resolved.model, resolved.parameters) == (
        row.pk,
        "gemini-2.5-pro",
        {"temperature": 0},
    )
    assert resolved.response_schema == {"type": "object"}


def test_a_version_that_was_published_with_a_float_for_a_whole_number_still_answers(
    registry: Registry, draft: MakeVersion
) -> None:
    given = {"max_tokens": 5.0, "seed": 2**31, "temperature": 1.0, "top_p": 0.5}
    row = draft("v1", parameters=given)
    # As before such a version was refused: past the verb.
    PromptVersion.objects.filter(pk=row.pk).update(status="published", published_at=now())
    found = loaded(registry).resolve("greeter", variables=ADA, unit="u", version="v1").parameters
    assert (found, type(found["max_tokens"]), type(found["temperature"])) == (given, int, float)


def test_the_caller_may_ask_for_a_published_version(registry: Registry, live: None) -> None:
    resolved = loaded(registry).resolve("greeter", variables=ADA, unit="u", version="v2")
    assert (resolved.version, resolved.arm_reason) == ("v2", "pinned by caller")


def test_a_draft_is_only_for_those_who_ask_for_drafts(
    registry: Registry, live: None, draft: MakeVersion
) -> None:
    draft("v3")
    with pytest.raises(VersionNotFound, match="v3 is draft"):
        loaded(registry).resolve("greeter", variables=ADA, unit="u", version="v3")
    resolved = registry.resolve("greeter", variables=ADA, unit="u", version="v3", allow_drafts=True)
    assert resolved.version == "v3"


def test_a_split_divides_units_and_keeps_each_with_its_version(
    registry: Registry, live: None, ada: By
) -> None:
    services.set_split(prompt="greeter", split={"v1": 90, "v2": 10}, **ada)
    loaded(registry)

    def version(unit: int) -> str:
        resolved = registry.resolve("greeter", variables=ADA, unit=f"user-{unit}")
        assert resolved.arm_reason == "split"
        return resolved.version

    first = [version(unit) for unit in range(2000)]
    assert Counter(first)["v2"] == pytest.approx(200, abs=50)
    assert [version(unit) for unit in range(2000)] == first


def test_a_split_written_by_hand_is_followed_too(registry: Registry, live: None) -> None:
    Prompt.objects.update(traffic_split={"v1": 0, "v2": 100})
    assert loaded(registry).resolve("greeter", variables=ADA, unit="u").version == "v2"


def test_the_environment_s_pin_wins_over_the_split_but_not_over_the_caller(
    registry: Registry, live: None, ada: By, settings: Settings
) -> None:
    settings.PROMPTS = settings.PROMPTS | {"PINS": {"GREETER": "v2"}}
    services.set_split(prompt="greeter", split={"v1": 100}, **ada)
    resolved = loaded(registry).resolve("greeter", variables=ADA, unit="u")
    assert (resolved.version, resolved.arm_reason) == ("v2", "pinned by environment")
    assert registry.resolve("greeter", variables=ADA, unit="u", version="v1").version == "v1"


def test_a_pin_to_nothing_says_so(registry: Registry, live: None, settings: Settings) -> None:
    settings.PROMPTS = settings.PROMPTS | {"PINS": {"GREETER": "v9"}}
    with pytest.raises(VersionNotFound, match="environment pins greeter to v9: greeter has no version v9"):
        loaded(registry).resolve("greeter", variables=ADA, unit="u")


def test_a_pin_s_key_is_the_name_in_upper_case(
    registry: Registry, db: None, ada: By, settings: Settings
) -> None:
    settings.PROMPTS = settings.PROMPTS | {"PINS": {"SQL_EXPLAINER": "v1"}}
    services.create_prompt(name="sql-explainer", **ada)
    assert loaded(registry).prompt("sql-explainer").pinned == "v1"


def test_what_is_not_there_is_named(registry: Registry, live: None) -> None:
    with pytest.raises(PromptNotFound, match="no prompt ghost"):
        loaded(registry).resolve("ghost", variables={}, unit="u")
    with pytest.raises(VersionNotFound, match="greeter has no version v7"):
        registry.resolve("greeter", variables=ADA, unit="u", version="v7")


def test_a_prompt_without_a_live_version_is_not_found(registry: Registry, published: MakeVersion) -> None:
    published("v1")
    with pytest.raises(PromptNotFound, match="no live version"):
        loaded(registry).resolve("greeter", variables=ADA, unit="u")


def test_an_archived_prompt_is_not_found(registry: Registry, live: None, ada: By) -> None:
    services.archive_prompt(prompt="greeter", **ada)
    with pytest.raises(PromptNotFound):
        loaded(registry).resolve("greeter", variables=ADA, unit="u")


def test_missing_and_unknown_variables_are_all_named(registry: Registry, published: MakeVersion) -> None:
    published("v1", system="{{tone}}", user="{{name}} {{place}}")
    with pytest.raises(VariablesInvalid) as caught:
        loaded(registry).resolve("greeter", variables={"tone": "", "x": 1, "y": 2}, unit="u", version="v1")
    assert str(caught.value) == "missing variables: name, place; unknown variables: x, y"


def test_variables_are_held_to_the_schema_and_never_quoted(
    registry: Registry, published: MakeVersion
) -> None:
    rules = {"name": {"type": "string", "maxLength": 3}, "mood": {"enum": ["glad", "sad"]}}
    published("v1", user="{{name}} {{mood}}", variables={"type": "object", "properties": rules})
    with pytest.raises(VariablesInvalid) as caught:
        loaded(registry).resolve("greeter", variables={"name": "secret", "mood": 1}, unit="u", version="v1")
    message = str(caught.value)
    assert "name breaks the rule maxLength 3" in message
    assert 'mood must be one of ["glad", "sad"]' in message
    assert "secret" not in message


def test_a_variable_with_a_default_may_be_left_out(registry: Registry, published: MakeVersion) -> None:
    schema = {"properties": {"name": {"type": "string", "default": "you"}}}
    published("v1", user="Hello {{name}}", variables=schema)
    resolved = loaded(registry).resolve("greeter", variables={}, unit="u", version="v1")
    assert resolved.messages[0].content == "Hello you"


def test_a_draft_with_a_broken_schema_says_what_is_wrong(registry: Registry, draft: MakeVersion) -> None:
    draft("v1", variables={"type": "nothing"})
    with pytest.raises(TemplateInvalid, match="not a JSON Schema at type"):
        loaded(registry).resolve("greeter", variables=ADA, unit="u", version="v1", allow_drafts=True)


def test_before_the_first_load_the_registry_is_unavailable(registry: Registry) -> None:
    with pytest.raises(RegistryUnavailable):
        registry.resolve("greeter", variables={}, unit="u")


def test_a_row_that_makes_no_sense_harms_only_itself(
    registry: Registry, live: None, draft: MakeVersion
) -> None:
    draft("v3")
    PromptVersion.objects.filter(label="v3").update(messages={"no": "list"})
    assert loaded(registry).resolve("greeter", variables=ADA, unit="u").version == "v1"
    with pytest.raises(RegistryUnavailable):
        registry.resolve("greeter", variables=ADA, unit="u", version="v3", allow_drafts=True)


async def test_a_text_that_is_not_in_memory_is_fetched(transactional_db: None) -> None:
    registry = Registry(content_budget=0)
    await elsewhere(make_live)
    await registry.start()
    with pytest.raises(RegistryUnavailable, match="greeter v2 is not in memory"):
        registry.resolve("greeter", variables=ADA, unit="u", version="v2")
    resolved = await registry.aresolve("greeter", variables=ADA, unit="u", version="v2")
    assert resolved == registry.resolve("greeter", variables=ADA, unit="u", version="v2")
    await registry.stop()


@pytest.fixture
async def running(transactional_db: None, registry: Registry) -> AsyncIterator[Registry]:
    await elsewhere(make_live)
    await registry.start()
    yield registry
    await registry.stop()


def make_live() -> None:
    by: By = {"actor": "ada", "door": "command"}
    services.create_prompt(name="greeter", **by)
    for label in ("v1", "v2"):
        content = from_json({"system": label, "user": f"{label} {{{{name}}}}"})
        services.save_draft(prompt="greeter", version=label, content=content, **by)
        services.publish_version(prompt="greeter", version=label, **by)
    services.activate_version(prompt="greeter", version="v1", **by)


async def test_a_change_is_served_within_a_second(running: Registry, ada: By) -> None:
    await elsewhere(services.activate_version, prompt="greeter", version="v2", **ada)
    await eventually(lambda: running.resolve("greeter", variables=ADA, unit="u").version == "v2", within=1)


async def test_requests_during_many_activations_never_fail_and_never_mix_versions(
    running: Registry, ada: By
) -> None:
    done = asyncio.Event()
    seen: Counter[str] = Counter()

    async def ask() -> None:
        while not done.is_set():
            for unit in range(20):
                resolved = running.resolve("greeter", variables=ADA, unit=str(unit))
                assert [m.content for m in resolved.messages] == [resolved.version, f"{resolved.version} Ada"]
                seen[resolved.version] += 1
            await asyncio.sleep(0.001)  # else the thread that activates never has its turn on two idle cores

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(ask())
        for number in range(100):
            await elsewhere(services.activate_version, prompt="greeter", version=f"v{number % 2 + 1}", **ada)
        done.set()
    assert seen.total() >= 5_000
    assert set(seen) == {"v1", "v2"}


async def test_a_save_of_the_same_prompt_loads_only_what_is_new(running: Registry, ada: By) -> None:
    before = running.content(running.prompt("greeter").version("v1"))
    await elsewhere(services.activate_version, prompt="greeter", version="v2", **ada)
    await eventually(lambda: running.prompt("greeter").active == "v2", within=1)
    assert running.content(running.prompt("greeter").version("v1")) is before


@pytest.mark.django_db
def test_versions_are_listed_newest_first(registry: Registry, live: None) -> None:
    assert [version.label for version in loaded(registry).versions("greeter")] == ["v2", "v1"]
    assert PromptVersion.objects.count() == 2
