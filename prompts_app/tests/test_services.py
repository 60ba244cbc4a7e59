import pytest

from prompts_app import services
from prompts_app.changes import By
from prompts_app.content import VersionContent
from prompts_app.exceptions import ChangeRefused, EditConflict, PromptNotFound, VersionNotFound
from prompts_app.models import Prompt, PromptChange, PromptVersion
from prompts_app.tests.conftest import MakeVersion


def traffic() -> tuple[str | None, dict[str, int]]:
    prompt = Prompt.objects.get(name="greeter")
    return prompt.active_version and prompt.active_version.label, prompt.traffic_split


def test_every_change_is_in_the_history(published: MakeVersion, ada: By) -> None:
    published("v1")
    services.activate_version(prompt="greeter", version="v1", **ada)
    changes = PromptChange.objects.order_by("id").values_list(
        "verb", "version", "actor", "door", "why", "revision"
    )
    assert list(changes) == [
        ("create_prompt", "", "ada", "admin", "because", 1),
        ("save_draft", "v1", "ada", "admin", "because", 2),
        ("publish_version", "v1", "ada", "admin", "because", 3),
        ("activate_version", "", "ada", "admin", "because", 4),
    ]


def test_a_change_tells_before_and_after(published: MakeVersion, ada: By) -> None:
    published("v1")
    published("v2")
    services.activate_version(prompt="greeter", version="v1", **ada)
    services.set_split(prompt="greeter", split={"v1": 90, "v2": 10}, **ada)
    change = PromptChange.objects.latest("id")
    assert (change.before["active_version"], change.before["traffic_split"]) == ("v1", {})
    assert (change.after["active_version"], change.after["traffic_split"]) == ("v1", {"v1": 90, "v2": 10})


def test_a_refused_change_leaves_nothing_behind(published: MakeVersion, ada: By) -> None:
    published("v1")
    before = PromptChange.objects.count()
    with pytest.raises(ChangeRefused, match="sum up to 90"):
        services.set_split(prompt="greeter", split={"v1": 90}, **ada)
    assert (traffic(), PromptChange.objects.count()) == ((None, {}), before)


def test_a_change_that_changes_nothing_is_not_recorded(published: MakeVersion, ada: By) -> None:
    published("v1")
    services.activate_version(prompt="greeter", version="v1", **ada)
    before = PromptChange.objects.count()
    services.activate_version(prompt="greeter", version="v1", **ada)
    assert PromptChange.objects.count() == before


def test_each_change_of_traffic_begins_a_new_phase(published: MakeVersion, ada: By) -> None:
    published("v1")
    published("v2")
    phases = [
        services.activate_version(prompt="greeter", version="v1", **ada).split_phase,
        services.set_split(prompt="greeter", split={"v1": 90, "v2": 10}, **ada).split_phase,
        services.set_split(prompt="greeter", split={}, **ada).split_phase,
    ]
    assert phases == [1, 2, 3]


@pytest.mark.parametrize("name", ["", "Upper", "a/b", "..", "a" * 65, "a\n"])
def test_a_bad_prompt_name_is_refused(db: None, ada: By, name: str) -> None:
    with pytest.raises(ChangeRefused, match="no prompt name"):
        services.create_prompt(name=name, **ada)


def test_a_prompt_is_created_once(prompt: Prompt, ada: By) -> None:
    with pytest.raises(ChangeRefused, match="already"):
        services.create_prompt(name=prompt.name, **ada)


@pytest.mark.parametrize("text", ["a\x00b", "\ud800", "x" * 10_001])
def test_a_text_that_cannot_be_stored_is_refused(prompt: Prompt, ada: By, text: str) -> None:
    with pytest.raises(ChangeRefused):
        services.describe_prompt(prompt="greeter", description=text, **ada)
    with pytest.raises(ChangeRefused):
        services.archive_prompt(prompt="greeter", **ada | {"why": text})


@pytest.mark.parametrize(
    "content",
    [
        VersionContent(user="a\x00b"),
        VersionContent(variables={"properties": {"\ud800": {}}}),
        VersionContent(user="x" * 262_144),
    ],
)
def test_content_that_cannot_be_stored_is_refused(prompt: Prompt, ada: By, content: VersionContent) -> None:
    with pytest.raises(ChangeRefused):
        services.save_draft(prompt="greeter", version="v1", content=content, **ada)


def test_a_draft_is_saved_over_and_over(draft: MakeVersion) -> None:
    draft("v1", user="one")
    draft("v1", user="two")
    version = PromptVersion.objects.get()
    assert (version.user, version.status, version.author) == ("two", "draft", "ada")


def test_a_published_version_is_not_saved_over(published: MakeVersion, draft: MakeVersion) -> None:
    published("v1")
    with pytest.raises(ChangeRefused, match="save a new version"):
        draft("v1", user="other")


@pytest.mark.parametrize(
    ("parameter", "least", "most"),
    [
        ("max_tokens", 1, 1_000_000),
        ("seed", -(2**31), 2**31 - 1),
        ("thinking_budget", -1, 1_000_000),
    ],
)
def test_a_whole_number_is_published_within_its_bounds_and_never_as_a_float(
    draft: MakeVersion, ada: By, parameter: str, least: int, most: int
) -> None:
    for wrong in (least - 1, most + 1, 2**70, 1.0, True):
        draft("v1", parameters={parameter: wrong})
        with pytest.raises(ChangeRefused, match=f"parameters: {parameter}"):
            services.publish_version(prompt="greeter", version="v1", **ada)
    for number, right in enumerate((least, most)):
        draft(f"right{number}", parameters={parameter: right})
        services.publish_version(prompt="greeter", version=f"right{number}", **ada)


@pytest.mark.parametrize("label", ["a\0b", "\ud800"])
def test_a_version_that_no_text_can_name_is_not_there(prompt: Prompt, ada: By, label: str) -> None:
    with pytest.raises(VersionNotFound):
        services.publish_version(prompt="greeter", version=label, **ada)
    with pytest.raises(VersionNotFound):
        services.set_split(prompt="greeter", split={label: 100}, **ada)


def test_publishing_names_everything_that_is_wrong(draft: MakeVersion, ada: By) -> None:
    draft(
        "v1",
        user="{{a}} {{b}}",
        parameters={"temperature": 9, "temprature": 1},
        variables={"properties": {"a": {}}},
        response_schema={"type": "nothing"},
    )
    with pytest.raises(ChangeRefused) as caught:
        services.publish_version(prompt="greeter", version="v1", **ada)
    for part in [
        "temperature",
        "unknown fields",
        "response_schema: not a JSON Schema at type",
        "not declare b",
    ]:
        assert part in str(caught.value)


def test_a_version_is_published_once(published: MakeVersion, ada: By) -> None:
    published("v1")
    with pytest.raises(ChangeRefused, match="published already"):
        services.publish_version(prompt="greeter", version="v1", **ada)


def test_only_a_published_version_goes_live(draft: MakeVersion, ada: By) -> None:
    draft("v1")
    with pytest.raises(ChangeRefused, match="v1 is draft"):
        services.activate_version(prompt="greeter", version="v1", **ada)
    with pytest.raises(ChangeRefused, match="v1 is draft"):
        services.set_split(prompt="greeter", split={"v1": 100}, **ada)


@pytest.mark.parametrize("split", [{"v1": 99}, {"v1": 100.0}, {"v1": True, "v2": 99}, {"v1": 101, "v2": -1}])
def test_a_split_of_anything_but_whole_percents_is_refused(
    published: MakeVersion, ada: By, split: dict
) -> None:
    published("v1")
    published("v2")
    with pytest.raises(ChangeRefused):
        services.set_split(prompt="greeter", split=split, **ada)


def test_activating_ends_a_split(published: MakeVersion, ada: By) -> None:
    published("v1")
    published("v2")
    services.set_split(prompt="greeter", split={"v1": 50, "v2": 50}, **ada)
    services.activate_version(prompt="greeter", version="v2", **ada)
    assert traffic() == ("v2", {})


def test_rolling_back_again_goes_further_back(published: MakeVersion, ada: By) -> None:
    for label in ("v1", "v2", "v3"):
        published(label)
    services.activate_version(prompt="greeter", version="v1", **ada)
    services.set_split(prompt="greeter", split={"v1": 90, "v2": 10}, **ada)
    services.activate_version(prompt="greeter", version="v3", **ada)
    services.roll_back(prompt="greeter", **ada)
    assert traffic() == ("v1", {"v1": 90, "v2": 10})
    services.roll_back(prompt="greeter", **ada)
    assert traffic() == ("v1", {})
    with pytest.raises(ChangeRefused, match="nothing to roll back to"):
        services.roll_back(prompt="greeter", **ada)


def test_a_roll_back_gives_every_unit_its_former_version(published: MakeVersion, ada: By) -> None:
    for label in ("v1", "v2", "v3"):
        published(label)
    before = services.set_split(prompt="greeter", split={"v1": 50, "v2": 30, "v3": 20}, **ada).buckets
    services.set_split(prompt="greeter", split={"v1": 10, "v2": 20, "v3": 70}, **ada)
    assert services.roll_back(prompt="greeter", **ada).buckets == before


def test_an_archived_version_cannot_be_rolled_back_to(published: MakeVersion, ada: By) -> None:
    published("v1")
    published("v2")
    services.activate_version(prompt="greeter", version="v1", **ada)
    services.activate_version(prompt="greeter", version="v2", **ada)
    services.archive_version(prompt="greeter", version="v1", **ada)
    with pytest.raises(ChangeRefused, match="v1 is archived"):
        services.roll_back(prompt="greeter", **ada)
    services.restore_version(prompt="greeter", version="v1", **ada)
    services.roll_back(prompt="greeter", **ada)
    assert traffic() == ("v1", {})


def test_a_live_version_is_not_archived(published: MakeVersion, ada: By) -> None:
    published("v1")
    services.activate_version(prompt="greeter", version="v1", **ada)
    with pytest.raises(ChangeRefused, match="is live"):
        services.archive_version(prompt="greeter", version="v1", **ada)


def test_only_drafts_are_deleted(published: MakeVersion, draft: MakeVersion, ada: By) -> None:
    published("v1")
    draft("v2")
    services.delete_draft(prompt="greeter", version="v2", **ada)
    assert list(PromptVersion.objects.values_list("label", flat=True)) == ["v1"]
    with pytest.raises(ChangeRefused, match="only drafts"):
        services.delete_draft(prompt="greeter", version="v1", **ada)


def test_what_is_not_there_is_said_to_be_missing(prompt: Prompt, ada: By) -> None:
    with pytest.raises(PromptNotFound, match="no prompt ghost"):
        services.activate_version(prompt="ghost", version="v1", **ada)
    with pytest.raises(VersionNotFound, match="no version v1"):
        services.activate_version(prompt="greeter", version="v1", **ada)


def test_a_stale_save_is_told_what_changed(draft: MakeVersion, ada: By) -> None:
    seen = draft("v1", user="one").revision
    services.save_draft(
        prompt="greeter", version="v1", content=VersionContent(user="two"), actor="bob", door="rest"
    )
    with pytest.raises(EditConflict, match=r"bob saved draft v1 at .*user one → two"):
        services.save_draft(
            prompt="greeter",
            version="v1",
            content=VersionContent(user="3"),
            **ada | {"expected_revision": seen},
        )


def test_a_change_elsewhere_is_no_conflict(draft: MakeVersion, published: MakeVersion, ada: By) -> None:
    seen = draft("v1").revision
    published("v2")
    services.activate_version(prompt="greeter", version="v2", **ada)
    content = VersionContent(user="new")
    services.save_draft(prompt="greeter", version="v1", content=content, **ada | {"expected_revision": seen})
    assert PromptVersion.objects.get(label="v1").user == "new"


def test_a_stale_split_is_told_what_changed(published: MakeVersion, ada: By) -> None:
    seen = published("v1").revision
    services.activate_version(prompt="greeter", version="v1", **ada)
    with pytest.raises(EditConflict, match=r"ada made v1 live at .*active version none → v1"):
        services.set_split(prompt="greeter", split={"v1": 100}, **ada | {"expected_revision": seen})


def test_a_schema_keeps_the_order_of_its_properties(published: MakeVersion) -> None:
    published("v1", response_schema={"properties": {"zeta": {}, "a": {}, "beta": {}}})
    schema = PromptVersion.objects.get().content.response_schema
    assert schema is not None
    assert list(schema["properties"]) == ["zeta", "a", "beta"]
