"""A look at a rollout goes a step further, comes back by itself, or leaves all as it is."""

import pytest
from django.db import DatabaseError, connection

from evals_app.experiments import looking, services
from evals_app.experiments.ledger import observe
from evals_app.experiments.looking import look, look_at_all
from evals_app.models import Experiment
from evals_app.tests.conftest import ADA
from evals_app.tests.experiments.conftest import calls, rollout
from prompts_app import services as prompts
from prompts_app.models import Prompt, PromptChange

pytestmark = pytest.mark.django_db(transaction=True)


def back_to(version):
    row = Prompt.objects.get(name="echo")
    return (row.active_version.label, row.traffic_split) == (version, {})


def test_a_rollout_goes_further_when_its_step_has_held(running):
    row = running(rollout())
    calls("v1", 4000, phase=row.phase)
    calls("v2", 39, phase=row.phase)
    assert "39 of 40 units" in look(row).comparisons[0].reason
    calls("v2", 1, phase=row.phase)
    look(row)
    row.refresh_from_db()
    assert (row.step, row.state) == (1, "running")
    assert Prompt.objects.get(name="echo").traffic_split == {"v1": 90, "v2": 10}


@pytest.fixture
def last_step(running):
    """A rollout whose candidate has everything but what is held back."""
    running(rollout(steps=[50, 100]))
    return services.advance("slowly", step=0, **ADA)


def test_the_last_step_is_held_beside_the_champion_before_the_candidate_gets_everything(last_step):
    calls("v1", 39, phase=last_step.phase)
    calls("v2", 741, phase=last_step.phase)
    assert "39 of 40 units of v1" in look(last_step).comparisons[0].reason
    calls("v1", 1, phase=last_step.phase)
    found = look(last_step).comparisons[0]
    assert (found.verdict, found.next) == ("not worse", "v2 gets 100 %.")
    last_step.refresh_from_db()
    assert last_step.state == "shipped"
    assert back_to("v2")


def test_harm_at_the_last_step_brings_the_champion_back(last_step):
    calls("v1", 60, phase=last_step.phase)
    calls("v2", 900, phase=last_step.phase)
    calls("v2", 240, phase=last_step.phase, outcome="error", cost_usd=None)
    look_at_all()
    last_step.refresh_from_db()
    assert last_step.state == "back"
    assert back_to("v1")


def test_a_rollout_that_has_ended_is_still_told_as_it_was(last_step):
    calls("v1", 40, phase=last_step.phase)
    calls("v2", 760, phase=last_step.phase)
    look(last_step)
    last_step.refresh_from_db()
    assert look(last_step).health.good
    assert last_step.weights == {"v1": 5, "v2": 95}


def test_a_rollout_comes_back_by_itself_and_says_why(running):
    row = running(rollout())
    calls("v1", 4000, phase=row.phase)
    calls("v2", 30, phase=row.phase)
    calls("v2", 10, phase=row.phase, outcome="error", cost_usd=None)
    look_at_all()
    row.refresh_from_db()
    assert row.state == "back"
    assert back_to("v1")
    change = PromptChange.objects.first()
    assert (change.actor, change.door) == ("rollout slowly", "schedule")
    assert "The guardrail errors is broken" in change.why
    assert row.outcome in change.why


@pytest.mark.parametrize("doubt", ["no data", "ratio", "paused", "overtaken", "no guardrail data"])
def test_any_doubt_leaves_the_step_as_it_is(running, doubt):
    row = running(rollout())
    known = {"cost_usd": None} if doubt == "no guardrail data" else {}
    if doubt != "no data":
        calls("v1", 1000 if doubt == "ratio" else 4000, phase=row.phase, **known)
        calls("v2", 45, phase=row.phase, **known)
    if doubt == "paused":
        services.pause("slowly", **ADA)
    if doubt == "overtaken":
        prompts.activate_version(prompt="echo", version="v1", **ADA)
    before = PromptChange.objects.count()
    look_at_all()
    row.refresh_from_db()
    assert row.step == 0
    assert row.is_live
    assert PromptChange.objects.count() == before


def test_who_takes_the_traffic_back_during_a_look_is_not_overruled(running, monkeypatch):
    row = running(rollout())
    calls("v1", 4000, phase=row.phase)
    calls("v2", 45, phase=row.phase)

    def seen_meanwhile(*what):
        prompts.activate_version(prompt="echo", version="v1", **ADA)
        return observe(*what)

    monkeypatch.setattr(looking, "observe", seen_meanwhile)
    look_at_all()
    row.refresh_from_db()
    assert (row.step, row.state) == (0, "running")
    assert back_to("v1")


def test_a_failing_database_moves_nothing(running):
    row = running(rollout())
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE gateway_app_call RENAME TO away")
    try:
        with pytest.raises(DatabaseError):
            look(row)
        look_at_all()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE away RENAME TO gateway_app_call")
    assert Experiment.objects.get().step == 0
    assert Prompt.objects.get(name="echo").traffic_split == {"v1": 99, "v2": 1}
