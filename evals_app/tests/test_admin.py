import re
from html import unescape

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.timezone import now

from evals_app import dataset_files, services
from evals_app.lanes import in_thread, work_on
from evals_app.models import EvalRun


@pytest.fixture
def admin(transactional_db, client):
    client.force_login(User.objects.create_superuser("eve"))
    return client


@pytest.fixture
async def done(dataset, admin, vendor):
    """A finished run over three cases."""

    def start():
        dataset(3)
        return services.start_run(dataset="echoes", versions=["v1", "v2"], actor="ada")

    run = await in_thread(start)
    await work_on(run.pk, seconds=30)
    return run


def page(client, name, *arguments, **query):
    answer = client.get(reverse(f"admin:evals_app_{name}", args=arguments), query)
    assert answer.status_code == 200
    return answer.content.decode()


def asked(**changes):
    usual = {"dataset": "echoes", "baseline": "v1", "candidates": ["v2"]}
    usual |= {"repeats": 1, "concurrency": 8, "cap_usd": "1"}
    return usual | changes


def test_a_run_is_started_and_handed_out(dataset, admin, queued):
    dataset()
    answer = admin.post(reverse("admin:evals_app_evalrun_add"), asked())
    run = EvalRun.objects.get()
    assert answer.url == reverse("admin:evals_app_evalrun_change", args=[run.pk])
    assert (run.versions, run.started_by, run.total) == (["v1", "v2"], "eve", 6)
    assert queued() == ["evals.answer_questions"] * 2


def test_a_run_that_cannot_be_says_why_in_the_form(dataset, admin, queued):
    dataset()
    answer = admin.post(reverse("admin:evals_app_evalrun_add"), asked(repeats=1000))
    assert "repeats are from 1 to 100" in answer.content.decode()
    assert not EvalRun.objects.exists()
    assert queued() == []


def test_the_form_offers_versions_and_says_what_they_may_cost(dataset, admin, queued):
    dataset()
    assert "?dataset=echoes" in page(admin, "evalrun_add")
    form = page(admin, "evalrun_add", dataset="echoes")
    assert ("v1 · live" in form, "v2 · published" in form) == (True, True)
    answer = admin.post(reverse("admin:evals_app_evalrun_add"), asked(estimate="1")).content.decode()
    assert re.search(r"6 questions\.\s+They cost \$0\.\d+ at most", answer)
    answer = admin.post(reverse("admin:evals_app_evalrun_add"), asked(estimate="1", cap_usd="0.00001"))
    assert "more than the cap" in answer.content.decode()
    assert not EvalRun.objects.exists()


def test_a_run_under_way_shows_its_progress_and_looks_again(dataset, admin):
    dataset()
    run = services.start_run(dataset="echoes", versions=["v1"], actor="ada")
    text = page(admin, "evalrun_change", run.pk)
    assert "0 of 3 answered" in text
    assert "waiting for the first answers" in text
    assert "evals_app/live.js" in text
    run.results.filter(pk__in=run.results.values("pk")[:2]).update(state="done", finished_at=now())
    EvalRun.objects.update(finished=2)
    assert re.search(r"\d\.\d answers a second, \d+ s left", page(admin, "evalrun_change", run.pk))


def test_a_run_is_cancelled_and_resumed_by_buttons(dataset, admin, queued):
    dataset()
    run = services.start_run(dataset="echoes", versions=["v1"], actor="ada")
    admin.post(reverse("admin:evals_app_evalrun_cancel", args=[run.pk]))
    run.refresh_from_db()
    assert (run.state, run.stopped_by) == ("cancelled", "eve")
    admin.post(reverse("admin:evals_app_evalrun_resume", args=[run.pk]))
    run.refresh_from_db()
    assert run.state == "running"
    assert queued()


def test_looking_at_a_link_changes_nothing(dataset, admin):
    dataset()
    run = services.start_run(dataset="echoes", versions=["v1"], actor="ada")
    assert admin.get(reverse("admin:evals_app_evalrun_cancel", args=[run.pk])).status_code == 403
    run.refresh_from_db()
    assert run.state == "running"


async def test_the_report_shows_verdict_intervals_and_scores(done, admin):
    text = await in_thread(lambda: page(admin, "evalrun_change", done.pk))
    assert "v2 against v1: inconclusive" in text
    assert text.count("<svg") == 3
    assert "3 tied" in text


async def test_a_case_shows_both_answers_with_their_difference(done, admin):
    text = await in_thread(lambda: page(admin, "evalrun_case", done.pk, "c1"))
    assert len(re.findall(r"<ins>[^<]*word1", text)) == 1
    assert text.count("all there") == 2


@pytest.mark.parametrize(
    ("form", "holds"), [("md", "# echoes #1"), ("json", '"baseline"'), ("xml", "<testsuite ")]
)
async def test_the_report_can_be_taken_along(done, admin, form, holds):
    assert holds in await in_thread(lambda: page(admin, "evalrun_report", done.pk, form))


def test_lists_take_as_many_queries_for_many_rows_as_for_one(dataset, admin):
    def add(name):
        dataset(name=name)
        services.start_run(dataset=name, versions=["v1"], actor="ada")

    def queries(name):
        with CaptureQueriesContext(connection) as captured:
            page(admin, name)
        return len(captured)

    add("one")
    before = [queries("dataset_changelist"), queries("evalrun_changelist")]
    add("two")
    add("three")
    assert [queries("dataset_changelist"), queries("evalrun_changelist")] == before


def test_an_edited_dataset_is_its_next_version(dataset, admin):
    first = dataset()
    url = reverse("admin:evals_app_dataset_change", args=[first.dataset.pk])
    text = dataset_files.to_yaml(first.content).replace("key: c0", "key: first")
    assert admin.post(url, {"text": text.replace("\n", "\r\n"), "why": "clearer"}).status_code == 302
    newest = services.newest_version("echoes")
    assert (newest.number, newest.author, newest.why) == (2, "eve", "clearer")
    assert newest.content.cases[0].key == "first"


async def test_a_case_or_a_run_that_cannot_be_is_not_found(done, admin):
    run = reverse("admin:evals_app_evalrun_change", args=[done.pk])
    odd = reverse("admin:evals_app_evalrun_case", args=[done.pk, "a\0"])
    assert (await in_thread(lambda: admin.get(odd))).status_code == 404
    answer = await in_thread(lambda: admin.get(run, {"against": "9" * 5000}, follow=True))
    assert "there is no run 99999999999999999999" in answer.content.decode()


MISTAKES = [
    ("name: echoes", 'name: echoes\ndescription: "a\\0b"', "description holds a character"),
    ("name: echoes", 'name: echoes\ndescription: "\\ud800"', "invalid Unicode character"),
    ("kind: contains_all", 'kind: pattern\n  pattern: "a\\0"', "evaluators holds a character"),
    ("kind: contains_all", "kind: guess", "there is no evaluator"),
    ("name: echoes", "name: other", "the name stays echoes"),
    ("key: c1", "key: c0", "another case has the same key"),
    ("cases:", "cases: [", "not YAML"),
]


@pytest.mark.parametrize(("right", "wrong", "says"), MISTAKES)
def test_a_mistake_in_a_dataset_is_explained_and_nothing_is_lost(dataset, admin, right, wrong, says):
    saved = dataset()
    text = dataset_files.to_yaml(saved.content).replace(right, wrong)
    url = reverse("admin:evals_app_dataset_change", args=[saved.dataset.pk])
    answer = admin.post(url, {"text": text, "why": ""}).content.decode()
    assert says in answer.replace("&#x27;", "'")
    assert wrong in unescape(answer)
    assert services.newest_version("echoes") == saved


def test_a_new_dataset_is_made_from_the_example(admin):
    form = page(admin, "dataset_add")
    assert "name: my-dataset" in form
    text = "name: fresh\nprompt: echo\nevaluators:\n- kind: finish\ncases:\n- key: a\n"
    assert admin.post(reverse("admin:evals_app_dataset_add"), {"text": text, "why": ""}).status_code == 302
    assert services.newest_version("fresh").author == "eve"


@pytest.mark.parametrize("form", ["yaml", "jsonl", "csv"])
def test_a_dataset_can_be_taken_along(dataset, admin, form):
    saved = dataset()
    assert "word1" in page(admin, "dataset_download", saved.dataset.pk, form)


def test_who_may_only_look_sees_no_buttons_and_starts_nothing(dataset, client):
    saved = dataset()
    run = services.start_run(dataset="echoes", versions=["v1"], actor="ada")
    reader = User.objects.create_user("rita", is_staff=True)
    reader.user_permissions.set(Permission.objects.filter(codename__in=["view_evalrun", "view_dataset"]))
    client.force_login(reader)
    assert "Cancel" not in page(client, "evalrun_change", run.pk)
    assert ">Run<" not in page(client, "dataset_change", saved.dataset.pk)
    for name, arguments in (("evalrun_add", []), ("evalrun_cancel", [run.pk]), ("evalrun_resume", [run.pk])):
        assert client.post(reverse(f"admin:evals_app_{name}", args=arguments), asked()).status_code == 403
