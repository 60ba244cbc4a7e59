from dataclasses import replace
from decimal import Decimal

import pytest

from evals_app import conf, services
from evals_app.exceptions import DatasetNotFound, RunNotFound, RunRefused
from evals_app.models import Case, EvalResult, EvalRun


def start(**changes):
    usual = {"dataset": "echoes", "versions": ["v1", "v2"], "actor": "ada"}
    return services.start_run(**usual | changes)


def test_a_changed_dataset_is_a_new_version_and_the_old_one_stays(dataset):
    first, second = dataset(2), dataset(3)
    assert (first.number, second.number) == (1, 2)
    assert (len(first.content.cases), len(second.content.cases)) == (2, 3)


def test_saving_the_same_changes_nothing(dataset):
    assert dataset() == dataset()
    assert Case.objects.count() == 3


def test_what_was_saved_reads_back(dataset):
    saved = dataset(margin=0.1, guardrails={"cost": 0.5}, description="Words come back.")
    assert saved.content.digest == saved.digest


def test_a_dataset_kept_from_before_is_shown_and_not_run(dataset):
    saved = dataset(description="Words come back.")
    saved.evaluators = [{"kind": "json_schema", "schema": {"$ref": "http://127.0.0.1:1/"}}]
    saved.save()
    assert services.newest_version("echoes").content.description == "Words come back."
    with pytest.raises(RunRefused, match="inside the schema only"):
        start()


def test_a_run_has_one_question_for_each_version_case_and_repeat(dataset):
    dataset(3)
    run = start(repeats=2)
    assert run.total == EvalResult.objects.filter(run=run).count() == 12


def test_a_run_says_beforehand_what_it_may_cost(dataset):
    dataset()
    # 3 cases, 50 tokens of output at $2.50 a million, for each of two versions; the input is next to nothing.
    assert start().estimate_usd == pytest.approx(Decimal("0.00075"), rel=Decimal("0.05"))


def test_a_judge_is_part_of_the_estimate(dataset):
    dataset()
    alone = start().estimate_usd
    dataset(evaluators=[{"kind": "judge", "rubric": "Is it the word?"}])
    assert start().estimate_usd > 3 * alone


REFUSED = [
    ({"versions": []}, "name one version"),
    ({"versions": ["v1", "v1"]}, "each once"),
    ({"versions": ["v9"]}, "v9"),
    ({"repeats": 0}, "repeats"),
    ({"concurrency": 1000}, "concurrency"),
    ({"model": "nobodys-model"}, "no provider serves"),
    ({"cap_usd": Decimal("0.0001")}, r"may cost \$0.0008 and its cap is \$0.0001"),
    ({"cap_usd": Decimal(0)}, "more than 0"),
]


@pytest.mark.parametrize(("changes", "says"), REFUSED)
def test_a_run_that_cannot_be_is_refused_before_anything_is_paid(dataset, changes, says):
    dataset()
    with pytest.raises(RunRefused, match=says):
        start(**changes)
    assert not EvalRun.objects.exists()


def test_a_model_that_embeds_nothing_is_refused_before_anything_is_paid(dataset, monkeypatch):
    changed = replace(conf.evals(), embedding_model="gemini-2.5-flash")
    monkeypatch.setattr(conf, "evals", lambda: changed)
    dataset(evaluators=[{"kind": "semantic_similarity", "expected": "words"}])
    with pytest.raises(RunRefused, match="embedding model"):
        start()


def test_a_case_that_does_not_fit_a_version_is_named(dataset):
    dataset(cases=[{"key": "empty", "variables": {}}], evaluators=[{"kind": "finish"}])
    with pytest.raises(RunRefused, match=r"case 'empty' does not fit v1.*text"):
        start()


def test_an_unknown_dataset_is_an_error_of_its_own(db):
    with pytest.raises(DatasetNotFound, match="nothing"):
        start(dataset="nothing")


def test_a_cancelled_run_can_go_on(dataset):
    dataset()
    run = services.cancel_run(start().pk, actor="bob")
    assert (run.state, run.stopped_by) == ("cancelled", "bob")
    assert services.resume_run(run.pk, actor="bob").state == "running"


def test_a_run_that_is_done_stays_done(dataset):
    dataset()
    run = start()
    EvalRun.objects.update(state="done")
    assert services.cancel_run(run.pk, actor="bob").state == "done"
    assert services.resume_run(run.pk, actor="bob").state == "done"


def test_a_run_that_has_spent_its_cap_needs_a_higher_one(dataset):
    dataset()
    run = start()
    EvalRun.objects.update(state="capped", spent_usd=5)
    with pytest.raises(RunRefused, match=r"\$5.0000 is spent"):
        services.resume_run(run.pk, actor="bob")
    assert services.resume_run(run.pk, actor="bob", cap_usd=Decimal(6)).state == "running"


def test_there_is_no_verb_for_a_run_that_is_not_there(db):
    with pytest.raises(RunNotFound):
        services.cancel_run(1, actor="bob")
    with pytest.raises(RunNotFound):
        services.resume_run(1, actor="bob")
