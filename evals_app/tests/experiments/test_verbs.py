"""The verbs change traffic and say so; what a rule forbids changes nothing."""

import pytest

from evals_app.exceptions import ExperimentNotFound, ExperimentRefused
from evals_app.experiments import services
from evals_app.models import Experiment
from evals_app.tests.conftest import ADA
from evals_app.tests.experiments.conftest import plan, rollout
from prompts_app import services as prompts
from prompts_app.models import Prompt, PromptChange, Webhook, WebhookDelivery

pytestmark = pytest.mark.django_db(transaction=True)


def traffic():
    row = Prompt.objects.get(name="echo")
    return row.active_version.label, row.traffic_split


def test_starting_splits_the_traffic_begins_a_phase_and_freezes_the_plan(running):
    before = Prompt.objects.get(name="echo").split_phase
    row = running(plan())
    assert traffic() == ("v1", {"v1": 50, "v2": 50})
    assert row.phase == Prompt.objects.get(name="echo").split_phase == before + 1
    assert row.planned_units > 1000
    change = PromptChange.objects.first()
    assert (change.verb, change.actor, change.why) == ("set_split", "ada", "experiment longer: because")
    with pytest.raises(ExperimentRefused, match="frozen"):
        services.save_plan(plan(mde=0.5), **ADA)
    assert [event.verb for event in row.events.all()] == ["start", "plan"]


@pytest.mark.parametrize(
    ("verb", "state", "live"),
    [("stop", "stopped", "v1"), ("keep_champion", "kept", "v1"), ("roll_back", "back", "v1")],
)
def test_an_end_gives_everything_to_the_champion(running, verb, state, live):
    running(plan())
    row = getattr(services, verb)("longer", **ADA)
    assert (row.state, traffic()) == (state, (live, {}))
    with pytest.raises(ExperimentRefused):
        services.stop("longer", **ADA)


def test_shipping_makes_the_challenger_live(running):
    running(plan())
    with pytest.raises(ExperimentRefused, match="no challenger"):
        services.ship("longer", "v1", **ADA)
    assert services.ship("longer", "v2", **ADA).state == "shipped"
    assert traffic() == ("v2", {})
    assert PromptChange.objects.first().verb == "activate_version"


def test_a_stopped_one_is_concluded_later(running):
    running(plan())
    services.stop("longer", **ADA)
    assert services.ship("longer", "v2", **ADA).state == "shipped"
    assert traffic() == ("v2", {})


def test_a_stopped_one_ships_nothing_into_another_one_that_runs(running):
    running(plan())
    services.stop("longer", **ADA)
    running(plan(name="other"))
    with pytest.raises(ExperimentRefused, match="other runs on echo: conclude it first"):
        services.ship("longer", "v2", **ADA)
    assert traffic() == ("v1", {"v1": 50, "v2": 50})
    services.stop("other", **ADA)
    assert services.ship("longer", "v2", **ADA).state == "shipped"


def test_what_somebody_else_made_of_the_traffic_is_left_alone(running):
    running(plan())
    prompts.set_split(prompt="echo", split={"v1": 20, "v2": 80}, **ADA)
    services.stop("longer", **ADA)
    assert traffic() == ("v1", {"v1": 20, "v2": 80})


def test_one_at_a_time_runs_on_a_prompt(running):
    running(plan())
    services.save_plan(plan(name="other"), **ADA)
    with pytest.raises(ExperimentRefused, match="longer runs on echo"):
        services.start("other", **ADA)
    assert Experiment.objects.get(name="other").state == "draft"
    assert traffic() == ("v1", {"v1": 50, "v2": 50})


@pytest.mark.parametrize(
    ("change", "says"), [({"prompt": "nothing"}, "no prompt"), ({"weights": {"v1": 50, "v9": 50}}, "v9")]
)
def test_a_start_that_the_registry_refuses_changes_nothing(prompt, change, says):
    services.save_plan(plan(**change), **ADA)
    with pytest.raises(ExperimentRefused, match=says):
        services.start("longer", **ADA)
    assert Experiment.objects.get().state == "draft"
    assert traffic() == ("v1", {})


def test_a_prompt_that_the_environment_pins_is_not_split(prompt, settings):
    settings.PROMPTS = settings.PROMPTS | {"PINS": {"ECHO": "v1"}}
    services.save_plan(plan(), **ADA)
    with pytest.raises(ExperimentRefused, match="pins echo to v1"):
        services.start("longer", **ADA)


def test_only_a_plan_can_be_deleted(running):
    services.save_plan(plan(name="never"), **ADA)
    services.delete_plan("never", **ADA)
    with pytest.raises(ExperimentNotFound):
        services.find("never")
    running(plan())
    with pytest.raises(ExperimentRefused, match="is kept"):
        services.delete_plan("longer", **ADA)


def test_a_rollout_pauses_resumes_and_takes_its_steps(running):
    row = running(rollout())
    assert traffic() == ("v1", {"v1": 99, "v2": 1})
    assert services.pause("slowly", **ADA).state == "paused"
    with pytest.raises(ExperimentRefused, match="paused"):
        services.advance("slowly", step=0, **ADA)
    assert services.resume("slowly", **ADA).phase == row.phase
    services.advance("slowly", step=0, **ADA)
    assert traffic() == ("v1", {"v1": 90, "v2": 10})
    with pytest.raises(ExperimentRefused, match="another step"):
        services.advance("slowly", step=0, **ADA)
    services.advance("slowly", step=1, **ADA)
    assert services.advance("slowly", step=2, **ADA).state == "running"
    assert traffic() == ("v1", {"v1": 5, "v2": 95})
    assert services.advance("slowly", step=3, **ADA).state == "shipped"
    assert traffic() == ("v2", {})


def test_a_rollout_that_holds_nothing_back_ends_with_its_last_step(running):
    running(rollout(steps=[50, 100], holdback=0))
    assert services.advance("slowly", step=0, **ADA).state == "shipped"
    assert traffic() == ("v2", {})


def test_a_rollout_that_was_overtaken_takes_its_step_again(running):
    row = running(rollout())
    services.pause("slowly", **ADA)
    prompts.activate_version(prompt="echo", version="v1", **ADA)
    resumed = services.resume("slowly", **ADA)
    assert resumed.phase > row.phase
    assert traffic() == ("v1", {"v1": 99, "v2": 1})


def test_webhooks_hear_of_it_with_the_reason(running):
    Webhook.objects.create(url="http://127.0.0.1:1/hook")
    running(plan())
    delivery = WebhookDelivery.objects.get()
    assert delivery.change.why == "experiment longer: because"
