"""The admin: a plan in plain words, what it will take, a page that begins with the health, and buttons."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from evals_app.experiments import services
from evals_app.experiments.looking import look
from evals_app.models import Experiment
from evals_app.tests.conftest import ADA
from evals_app.tests.experiments.conftest import calls, plan, rollout
from prompts_app.models import Prompt, PromptChange

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/admin/evals_app/experiment/"
PLANNED = {
    "name": "longer",
    "prompt": "echo",
    "hypothesis": "It helps.",
    "champion": "v1",
    "weights": "v1 50, v2 50",
    "primary": "feedback:helpful",
    "direction": "",
    "mde": "0.05",
    "min_days": "0",
    "guardrails": "errors 0.01\nlatency 0.2",
    "unit": "any",
    "alpha": "0.05",
}


@pytest.fixture
def editor(prompt, admin_user):
    client = Client()
    client.force_login(admin_user)
    return client


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"champion": "v9"}, "the champion v9 has no share"),
        ({"weights": "v1"}, "an arm is a version and a percentage"),
        ({"weights": "v1 half, v2 half"}, "is no whole percentage"),
        ({"guardrails": "errors"}, "a guardrail is a measure and a margin"),
        ({"guardrails": "errors 0.01\nlatency much"}, "is no margin"),
    ],
)
def test_a_wrong_plan_is_refused_on_its_form(editor, change, says):
    assert says in editor.post(f"{LIST}add/", PLANNED | change).content.decode()
    assert not Experiment.objects.exists()


def page_of(row):
    return f"{LIST}{row.pk}/change/"


def test_a_plan_is_written_corrected_started_and_concluded(editor):
    editor.post(f"{LIST}add/", PLANNED)
    row = Experiment.objects.get()
    editor.post(f"{LIST}{row.pk}/edit/", PLANNED | {"mde": "0.1"})
    row.refresh_from_db()
    assert row.plan["mde"] == 0.1
    draft = editor.get(page_of(row)).content.decode()
    assert "What it will take" in draft
    assert "no calls in the last 7 days" in draft
    assert "The plan is frozen" in editor.get(f"{LIST}{row.pk}/start/").content.decode()
    editor.post(f"{LIST}{row.pk}/start/", {"why": "let us see"})
    assert Prompt.objects.get(name="echo").traffic_split == {"v1": 50, "v2": 50}
    assert "Nobody has looked yet" in editor.get(page_of(row)).content.decode()
    editor.post(f"{LIST}{row.pk}/ship/v2/", {"why": "it won"})
    assert Prompt.objects.get(name="echo").active_version.label == "v2"
    assert PromptChange.objects.first().why == "experiment longer: it won"
    assert "Shipped" in editor.get(LIST).content.decode()


def test_a_plan_that_was_written_since_its_page_was_read_is_not_started(editor):
    row = services.save_plan(plan(), **ADA)
    seen = editor.get(f"{LIST}{row.pk}/start/").context["form"]["seen"].value()
    services.save_plan(plan(weights={"v1": 1, "v2": 99}), **ADA)
    told = editor.post(f"{LIST}{row.pk}/start/", {"seen": seen}, follow=True).content.decode()
    assert "ada has written another plan meanwhile" in told
    assert Prompt.objects.get(name="echo").traffic_split == {}
    again = editor.get(f"{LIST}{row.pk}/start/").context["form"]["seen"].value()
    editor.post(f"{LIST}{row.pk}/start/", {"seen": again})
    assert Prompt.objects.get(name="echo").traffic_split == {"v1": 1, "v2": 99}


def test_the_draft_tells_what_it_will_take_from_the_traffic_of_late(editor):
    calls("v1", 200, phase=0, helpful=0.8)
    row = services.save_plan(plan(), **ADA)
    shown = editor.get(page_of(row)).content.decode()
    assert "From the calls of the last 7 days" in shown
    assert "v2 needs" in shown
    assert "days</dd>" in shown


def test_a_running_page_shows_health_verdict_charts_and_arms(editor, running):
    row = running(plan())
    for _ in range(2):
        calls("v1", 400, phase=row.phase, helpful=0.6)
        calls("v2", 400, phase=row.phase, helpful=0.8)
        look(row)
        row.looks.update(at=row.started_at)
    shown = editor.get(page_of(row)).content.decode()
    for words in ("Healthy", "v2 against v1: better", "Ship v2", "look by look", "Guardrails", "latency p95"):
        assert words in shown
    assert shown.count('class="drawing"') >= 3
    # Three in five against four in five, ties counting half.
    assert '<td class="eval-cell-good">60.0% ' in shown
    assert '<td class="eval-cell-bad">40.0% ' in shown
    assert "onclick" not in shown


def test_an_unhealthy_page_hides_the_figures(editor, running):
    row = running(plan())
    calls("v1", 1000, phase=row.phase, helpful=0.6)
    calls("v2", 800, phase=row.phase, helpful=0.9)
    editor.post(f"{LIST}{row.pk}/look/")
    shown = editor.get(page_of(row)).content.decode()
    assert "Not healthy: no verdict can be trusted" in shown
    assert "hidden" in shown
    assert shown.count("did not arrive in the planned shares") == 1
    assert "Each arm by itself" not in shown


def test_a_rollouts_page_shows_its_steps(editor, running):
    row = running(rollout())
    calls("v1", 50, phase=row.phase)
    editor.post(f"{LIST}{row.pk}/look/")
    shown = editor.get(page_of(row)).content.decode()
    assert "0 of 40 units of v2 are here" in shown
    assert 'aria-current="step">1 %' in shown
    assert "v2 gets 1 % → 10 % → 50 % → 95 % → 100 %" in shown
    assert "v1 keeps 5 % until the last step has held" in shown
    editor.post(f"{LIST}{row.pk}/pause/", {"why": "a holiday"})
    assert "a holiday" in editor.get(page_of(row)).content.decode()


def test_who_may_only_look_gets_no_buttons(prompt, django_user_model, running):
    row = running(plan())
    user = django_user_model.objects.create_user("vera", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_experiment"))
    client = Client()
    client.force_login(user)
    shown = client.get(page_of(row)).content.decode()
    assert "Running" in shown
    assert "/stop/" not in shown
    assert client.post(f"{LIST}{row.pk}/stop/", {"why": ""}).status_code == 403
    assert client.post(f"{LIST}add/", PLANNED).status_code == 403
