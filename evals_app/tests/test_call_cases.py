"""Calls that were served become cases: with what was asked, where from, and never twice."""

import re
import uuid
from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import transaction
from django.urls import reverse

from evals_app import services
from evals_app.call_cases import Sample, add_call, add_calls, usable_call
from evals_app.exceptions import CallUnusable, DatasetInvalid
from gateway_app.content import Content, masked
from gateway_app.kept_calls import CallFilter
from gateway_app.masking import Mask
from gateway_app.models import Feedback, Project
from gateway_app.tests.ledger_calls import NOON, call, write
from gateway_app.types import Message, ToolCall

ECHO = CallFilter(prompt="echo")


@pytest.fixture
def project(dataset):
    dataset(2)
    return Project.objects.create(name="app").pk


@pytest.fixture
def served(project):
    """A call of the prompt `echo` whose words are kept: `served("hello")`; returns its id."""

    def serve(text, *, own=(), variables=..., **known):
        messages = (Message(role="user", content=f"Repeat: {text}"), *own)
        usual = {"prompt_name": "echo", "prompt_version": "v1", "project_id": project}
        content = Content(
            messages=messages,
            reply=text,
            tool_calls=(),
            days=30,
            variables={"text": text} if variables is ... else variables,
        )
        record = call(f"r-{text}", **usual | {"content": content} | known)
        write(record)
        return record.id

    return serve


def newest():
    return services.newest_version("echoes").content.cases[-1]


def test_a_call_becomes_a_case_that_knows_where_it_is_from(served):
    call_id = served("hello", own=(Message(role="user", content="And louder."),))
    version = add_call(call_id, dataset="echoes", actor="eve", tags=("live",), expected={"words": ["hello"]})
    case = newest()
    assert (version.number, version.author, version.why) == (2, "eve", "call r-hello")
    assert (case.variables, case.call) == ({"text": "hello"}, str(call_id))
    assert [(turn.role, turn.content) for turn in case.messages] == [("user", "And louder.")]
    assert (case.tags, case.expected) == (("live",), {"words": ["hello"]})


def test_a_call_without_a_prompt_becomes_a_case_of_its_turns(served):
    system = Message(role="system", content="Be brief.")
    call_id = served("hello", own=(system,), prompt_name=None, prompt_version=None, variables=None)
    add_call(call_id, dataset="echoes", actor="eve")
    assert [turn.content for turn in newest().messages] == ["Repeat: hello"]


def test_the_same_question_is_not_added_twice(served):
    one, other = served("hello"), served("hello", own=())
    add_call(one, dataset="echoes", actor="eve")
    with pytest.raises(CallUnusable, match="asks this already: its case call-"):
        add_call(other, dataset="echoes", actor="eve")


def test_another_key_is_asked_for_where_it_is_taken(served):
    with pytest.raises(DatasetInvalid, match="a case c0 already"):
        add_call(served("hello"), dataset="echoes", actor="eve", key="c0")


TOOL = ToolCall(id="1", name="clock", arguments="{}")
UNUSABLE = [
    ({"content": None}, "were not kept"),
    ({"variables": None}, "filled with was not kept"),
    ({"prompt_version": "v9"}, "no version v9"),
    ({"prompt_name": "other", "variables": {}}, "no prompt other"),
    ({"own": (Message(role="assistant", tool_calls=(TOOL,)),)}, "images or tools"),
    ({"own": (Message(role="user", content="x… [cut: 200000 characters in all]"),)}, "too long"),
]


@pytest.mark.parametrize(("known", "says"), UNUSABLE)
def test_a_call_that_cannot_be_a_case_says_why(served, known, says):
    call_id = served("hello", **known)
    with pytest.raises(CallUnusable, match=says):
        add_call(call_id, dataset="echoes", actor="eve")
    assert services.newest_version("echoes").number == 1


def test_a_call_that_is_not_there_says_so(project):
    with pytest.raises(CallUnusable, match="The ledger has no call"):
        usable_call(uuid.uuid4())


def test_variables_are_kept_masked_and_whole_or_not_at_all():
    masks = [Mask("email", re.compile(r"\S+@\S+"))]

    def kept(variables):
        content = Content(messages=(), reply=None, tool_calls=(), days=1, variables=variables)
        return masked(content, masks).variables

    assert kept({"a": ["ann@example.org", {"b": 1}]}) == {"a": ["[email]", {"b": 1}]}
    assert kept({"a": "x" * 200_000}) is None


def test_a_sample_draws_the_same_calls_with_the_same_seed(served):
    for number in range(12):
        served(f"text{number}")

    def drawn(seed):
        with transaction.atomic():
            added = add_calls("echoes", ECHO, Sample(count=4, seed=seed), actor="eve")
            ids = [case.call for case in added.version.content.cases[2:]]
            transaction.set_rollback(True)
        return ids

    assert drawn(1) == drawn(1) != drawn(2)
    assert len(drawn(1)) == 4


def test_a_sample_says_what_it_left_out(served):
    served("a")
    served("b")
    served("word0")  # the dataset asks this already
    served("c", content=None)
    served("d", variables=None)
    added = add_calls("echoes", ECHO, Sample(percent=100), actor="eve")
    assert (
        str(added)
        == "2 of 5 calls added to echoes #2; left out: 1 without kept words, 1 already there, 1 unusable"
    )
    again = add_calls("echoes", ECHO, Sample(count=10), actor="eve")
    assert (again.cases, again.version.number) == (0, 2)


def test_calls_are_chosen_by_version_outcome_feedback_and_time(served, project):
    served("old", created_at=NOON - timedelta(days=2))
    served("other", prompt_version="v2")
    served("failed", outcome="error")
    served("disliked")
    Feedback.objects.create(
        project_id=project, request_id="r-disliked", name="helpful", kind="number", number=0.2
    )

    def chosen(**which):
        return add_calls("echoes", CallFilter(prompt="echo", **which), Sample(count=9), actor="eve").found

    assert chosen() == 4
    assert chosen(version="v2") == 1
    assert chosen(outcome="error") == 1
    assert chosen(since=NOON) == 3
    assert chosen(until=NOON) == 1
    assert chosen(feedback="helpful", below=0.5) == 1
    assert chosen(below=0.1) == chosen(feedback="kind") == 0


def test_the_command_adds_a_sample(served):
    served("a")
    served("b", prompt_version="v2")
    output = StringIO()
    call_command("add_calls", "echoes", "--version", "v2", "--count", "5", stdout=output)
    assert output.getvalue() == "1 of 1 calls added to echoes #2\n"
    with pytest.raises(CommandError, match="no dataset"):
        call_command("add_calls", "nothing", "--count", "5")


@pytest.fixture
def admin(client, db):
    client.force_login(User.objects.create_superuser("eve"))
    return client


def test_a_page_adds_one_call(served, admin):
    call_id = served("hello")
    url = reverse("admin:evals_app_add_call", args=[call_id])
    shown = admin.get(url).content.decode()
    assert "Repeat: hello" in shown
    sent = {
        "dataset": "echoes",
        "key": "from-live",
        "tags": "live, short",
        "expected": '{"words": ["hello"]}',
    }
    assert "needs JSON" in admin.post(url, sent | {"expected": "{"}).content.decode()
    assert "cannot be stored" in admin.post(url, sent | {"expected": '"\\ud800"'}).content.decode()
    assert admin.post(url, sent).status_code == 302
    assert (newest().key, newest().tags) == ("from-live", ("live", "short"))
    assert "asks this already" in admin.post(url, sent).content.decode()


def test_a_page_says_when_the_words_were_not_kept(served, admin):
    url = reverse("admin:evals_app_add_call", args=[served("hello", content=None)])
    assert "were not kept" in admin.get(url).content.decode()


def test_a_page_adds_a_sample(served, admin):
    served("a")
    url = reverse("admin:evals_app_dataset_calls", args=[services.newest_version("echoes").dataset_id])
    assert admin.get(url).status_code == 200
    answer = admin.post(url, {"count": "5", "seed": "1"}, follow=True).content.decode()
    assert "1 of 1 calls added to echoes #2" in answer


def test_whoever_may_not_read_what_was_said_gets_no_cases_of_it(served, client):
    editor = User.objects.create_user("ed", is_staff=True)
    editor.user_permissions.set(Permission.objects.filter(codename__in=["view_dataset", "change_dataset"]))
    client.force_login(editor)
    assert client.get(reverse("admin:evals_app_add_call", args=[served("hello")])).status_code == 403
