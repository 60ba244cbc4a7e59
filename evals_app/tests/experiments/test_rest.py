"""Experiments over REST: read by who may, page by page, with all that the last look found."""

from dataclasses import replace

import msgspec
import pytest
from rest_framework.test import APIRequestFactory, force_authenticate

from evals_app.api_shapes import ExperimentReply, ExperimentsReply
from evals_app.experiments import services
from evals_app.experiments.looking import look
from evals_app.tests.conftest import ADA
from evals_app.tests.experiments.conftest import calls, plan, rollout
from evals_app.views import ExperimentsView, OneExperimentView
from gateway_app.requests import Caller

pytestmark = pytest.mark.django_db(transaction=True)

READER = Caller(project_id=1, project="demo", scopes=frozenset({"experiments:read"}))


def get(view, caller=READER, *, name=None, **asked):
    request = APIRequestFactory().get("/experiments", asked)
    request.scope = {}
    force_authenticate(request, token=caller)
    return view.as_view()(request, **({"name": name} if name else {})).render()


def listed(caller=READER, **asked):
    reply = msgspec.json.decode(get(ExperimentsView, caller, **asked).content, type=ExperimentsReply)
    return [row.name for row in reply.experiments], reply.next_before


def test_they_are_listed_newest_first_filtered_and_page_by_page(running):
    running(plan())
    for name in ("second", "third"):
        services.save_plan(rollout(name=name), **ADA)
    assert listed() == (["third", "second", "longer"], None)
    assert listed(kind="rollout")[0] == ["third", "second"]
    assert listed(state="running")[0] == ["longer"]
    assert listed(prompt="nothing")[0] == []
    first, more = listed(limit=2)
    assert (first, listed(limit=2, before=more)) == (["third", "second"], (["longer"], None))


def test_one_is_told_with_its_plan_its_last_report_and_its_history(running):
    row = running(plan())
    calls("v1", 400, phase=row.phase, helpful=0.6)
    calls("v2", 400, phase=row.phase, helpful=0.8)
    report = look(row)
    reply = get(OneExperimentView, name="longer")
    told = msgspec.json.decode(reply.content, type=ExperimentReply)
    assert (told.state, told.units, told.healthy) == ("running", 800, True)
    assert told.verdicts == {"v2": "better"}
    assert told.plan == row.written
    assert told.report == report
    assert [event.verb for event in told.events] == ["start", "plan"]


def test_a_plan_that_nobody_has_started_has_no_report(prompt):
    services.save_plan(rollout(), **ADA)
    told = msgspec.json.decode(get(OneExperimentView, name="slowly").content, type=ExperimentReply)
    assert (told.report, told.units, told.verdicts, told.arms) == (None, None, {}, {"v1": 99, "v2": 1})


@pytest.mark.parametrize(
    ("asked", "says"), [({"state": "lost"}, "state"), ({"limit": 0}, "limit"), ({"page": 2}, "unknown")]
)
def test_a_wrong_question_is_refused(transactional_db, asked, says):
    reply = get(ExperimentsView, **asked)
    assert reply.status_code == 400
    assert says in reply.content.decode()


def test_a_key_for_certain_prompts_sees_theirs_alone(running):
    running(plan())
    assert listed(replace(READER, allowed_prompts=frozenset({"echo"})))[0] == ["longer"]
    stranger = replace(READER, allowed_prompts=frozenset({"summarizer"}))
    assert listed(stranger)[0] == []
    assert get(OneExperimentView, stranger, name="longer").status_code == 404


def test_another_scope_does_not_do(running):
    running(plan())
    assert get(ExperimentsView, replace(READER, scopes=frozenset({"prompts:read"}))).status_code == 403
