import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from prompts_app import services
from prompts_app.changes import By
from prompts_app.figures import PeriodFigures, VersionFigures
from prompts_app.models import Prompt, PromptChange
from prompts_app.tests.conftest import MakeVersion
from prompts_app.tests.pages import fields, page, text

pytestmark = pytest.mark.urls("prompts_app.tests.urls")


def traffic() -> tuple[str | None, dict[str, int]]:
    prompt = Prompt.objects.select_related("active_version").get()
    return prompt.active_version and prompt.active_version.label, prompt.traffic_split


def test_a_plain_post_changes_split_and_active_version(admin: Client, live: Prompt) -> None:
    second = live.versions.get(label="v2")
    sent = {"active_version": second.pk, "traffic_split": '{"v1": 90, "v2": 10}'}
    assert admin.post(page(live), sent).status_code == 302
    assert traffic() == ("v2", {"v1": 90, "v2": 10})
    assert Prompt.objects.get().description == "Says hello."


def test_an_empty_split_sends_everything_to_the_active_version(admin: Client, live: Prompt, ada: By) -> None:
    services.set_split(prompt="greeter", split={"v1": 50, "v2": 50}, **ada)
    admin.post(page(live), {"active_version": live.versions.get(label="v2").pk, "traffic_split": ""})
    assert traffic() == ("v2", {})


def test_a_change_is_in_the_history_with_who_and_why(admin: Client, live: Prompt) -> None:
    sent = fields(admin.get(page(live))) | {"traffic_split": '{"v2": 100}', "why": "v2 is calmer"}
    admin.post(page(live), sent)
    change = PromptChange.objects.latest("id")
    assert (change.actor, change.door, change.why, change.verb) == (
        "grace",
        "admin",
        "v2 is calmer",
        "set_split",
    )


def test_saving_what_one_sees_changes_nothing(admin: Client, live: Prompt) -> None:
    before = PromptChange.objects.count()
    assert admin.post(page(live), fields(admin.get(page(live)))).status_code == 302
    assert PromptChange.objects.count() == before


@pytest.mark.parametrize(
    ("split", "says"),
    [
        ('{"v1": 90}', "the shares sum up to 90, not to 100"),
        ('{"v1": 50, "v9": 50}', "greeter has no version v9"),
        ('{"v1": 33.5, "v2": 66.5}', "whole percent"),
        ("[100]", "Write the split as"),
        ("{v1: 100}", "Enter a valid JSON"),
    ],
)
def test_a_wrong_split_is_explained_and_stays_on_the_form(
    admin: Client, live: Prompt, split: str, says: str
) -> None:
    response = admin.post(page(live), {"active_version": live.active_version_id, "traffic_split": split})
    assert says in text(response)
    assert response.context["adminform"].form["traffic_split"].value() == split
    assert traffic() == ("v1", {})


def test_the_second_of_two_editors_is_told_what_changed_and_keeps_what_was_typed(
    admin: Client, live: Prompt
) -> None:
    seen = fields(admin.get(page(live)))
    services.set_split(prompt="greeter", split={"v2": 100}, actor="ada", door="rest")
    typed = seen | {"traffic_split": '{"v1": 100}', "why": "mine"}
    refused = admin.post(page(live), typed)
    assert "changed meanwhile: ada" in text(refused)
    kept = fields(refused)
    assert (kept["traffic_split"], kept["why"]) == ('{"v1": 100}', "mine")
    assert traffic() == ("v1", {"v2": 100})
    assert admin.post(page(live), kept).status_code == 302
    assert traffic() == ("v1", {"v1": 100})


def test_an_archived_prompt_does_not_look_live(admin: Client, live: Prompt, ada: By) -> None:
    services.archive_prompt(prompt="greeter", **ada)
    shown = text(admin.get(page(live)))
    assert "archived: callers get “not found”" in shown
    assert "100 %" not in shown
    assert "Answers 100 % of calls" not in text(admin.get(page(live.active_version)))


def test_a_new_prompt_is_created_by_the_verb(admin: Client) -> None:
    admin.post("/admin/prompts_app/prompt/add/", {"name": "translator", "description": "Translates."})
    assert PromptChange.objects.get().verb == "create_prompt"
    response = admin.post("/admin/prompts_app/prompt/add/", {"name": "No Good"})
    assert "is no prompt name" in text(response) or "is violated" in text(response)


@pytest.mark.parametrize(
    ("label", "verb", "result"),
    [
        ("v3", "publish", "published"),
        ("v2", "make-live", "published"),
        ("v2", "archive", "archived"),
    ],
)
def test_a_verb_asks_first_and_acts_on_post(
    admin: Client, live: Prompt, draft: MakeVersion, label: str, verb: str, result: str
) -> None:
    draft("v3")
    version = live.versions.get(label=label)
    changes = PromptChange.objects.count()
    assert "Why?" in text(admin.get(page(version, verb)))
    assert PromptChange.objects.count() == changes
    assert admin.post(page(version, verb), {"why": "time"}).status_code == 302
    version.refresh_from_db()
    assert (version.status, PromptChange.objects.latest("id").why) == (result, "time")


def test_rolling_back_tells_what_it_returns_to(admin: Client, live: Prompt, ada: By) -> None:
    services.set_split(prompt="greeter", split={"v1": 90, "v2": 10}, **ada)
    services.activate_version(prompt="greeter", version="v2", **ada)
    assert "v1 90 %, v2 10 %. Now live: v2 for everybody." in text(admin.get(page(live, "roll-back")))
    admin.post(page(live, "roll-back"), {})
    assert traffic() == ("v1", {"v1": 90, "v2": 10})


def test_a_refused_verb_is_explained(admin: Client, live: Prompt) -> None:
    version = live.versions.get(label="v1")
    response = admin.post(page(version, "archive"), {}, follow=True)
    assert "v1 is live: make another version live first" in text(response)


def test_a_pin_of_the_environment_is_announced(admin: Client, live: Prompt, settings: Settings) -> None:
    settings.PROMPTS = settings.PROMPTS | {"PINS": {"GREETER": "v2"}}
    assert "GREETER_PROMPT_VERSION pins this prompt to v2" in text(admin.get(page(live)))
    assert "pinned" in text(admin.get("/admin/prompts_app/prompt/"))
    saved = admin.post(page(live), {"traffic_split": '{"v1": 100}'}, follow=True)
    assert "takes effect when the pin is gone" in text(saved)


def test_the_list_shows_what_is_live_and_who_changed_it(
    admin: Client, live: Prompt, ada: By, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    services.set_split(prompt="greeter", split={"v1": 90, "v2": 10}, **ada)
    for number in range(20):
        services.create_prompt(name=f"other-{number}", **ada)
    with django_assert_max_num_queries(12):
        shown = text(admin.get("/admin/prompts_app/prompt/"))
    assert "v1 90 %" in shown
    assert "ada" in shown


def test_history_is_only_to_look_at(admin: Client, live: Prompt) -> None:
    change = PromptChange.objects.latest("id")
    assert "made v1 live" in text(admin.get("/admin/prompts_app/promptchange/"))
    assert "because" in text(admin.get(f"/admin/prompts_app/promptchange/{change.pk}/change/"))
    assert admin.post(f"/admin/prompts_app/promptchange/{change.pk}/change/", {}).status_code == 403
    assert admin.get(page(live, "history")).url.endswith(f"?prompt__id__exact={live.pk}")  # type: ignore[attr-defined]


def figures_of(prompt: str) -> list[PeriodFigures]:
    row = VersionFigures(
        version="v1", calls="1,204", p50="420 ms", p95="1.20 s", cost="$0.31", errors="0.4 %", score="—"
    )
    return [PeriodFigures(title=f"{prompt} yesterday", rows=[row])]


def no_figures_of(prompt: str) -> None:
    return None


@pytest.mark.parametrize(
    ("provider", "says"),
    [
        (
            "figures_of",
            "greeter yesterday calls p50 p95 cost errors score v1 1,204 420 ms 1.20 s $0.31 0.4 %",
        ),
        ("no_figures_of", "What they did Not available now."),
    ],
)
def test_a_prompt_shows_what_its_versions_did(
    admin: Client, live: Prompt, settings: Settings, provider: str, says: str
) -> None:
    settings.PROMPTS = settings.PROMPTS | {"FIGURES": f"{__name__}.{provider}"}
    assert says in text(admin.get(page(live)))


def test_without_anybody_who_keeps_figures_none_are_promised(
    admin: Client, live: Prompt, settings: Settings
) -> None:
    settings.PROMPTS = settings.PROMPTS | {"FIGURES": ""}
    assert "What they did" not in text(admin.get(page(live)))
