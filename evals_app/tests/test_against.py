"""A run against the baseline of an earlier one: the same questions, judged alike, or no comparison."""

from dataclasses import replace
from functools import partial

import pytest

from evals_app import conf, services
from evals_app.exceptions import RunRefused
from evals_app.lanes import in_thread, work_on
from evals_app.reporting import report_against


@pytest.fixture
def run(dataset, vendor):
    """Runs one version over the dataset as it is now."""

    async def answered(version):
        asked = partial(services.start_run, dataset="echoes", versions=[version], actor="ada")
        started = await in_thread(asked)
        await work_on(started.pk, seconds=60)
        return await in_thread(partial(services.find_run, started.pk))

    return answered


async def test_a_baseline_need_not_be_paid_for_again(dataset, run, vendor):
    await in_thread(partial(dataset, 60))
    before = await run("v1")
    after = await run("v2")
    report = await in_thread(partial(report_against, after, before))
    assert (report.baseline, report.comparisons[0].version) == (f"v1 ({before})", "v2")
    assert report.comparisons[0].verdict == "not worse"
    assert vendor.stats().calls == 120


async def test_another_dataset_is_refused(dataset, run):
    await in_thread(partial(dataset, 2))
    before = await run("v1")
    await in_thread(partial(dataset, 3))
    after = await run("v2")
    with pytest.raises(RunRefused, match="echoes #1 changed to echoes #2"):
        await in_thread(partial(report_against, after, before))


async def test_another_judge_is_refused(dataset, run, monkeypatch):
    await in_thread(partial(dataset, 2))
    before = await run("v1")
    changed = replace(conf.evals(), judge_model="gemini-2.5-pro")
    monkeypatch.setattr(conf, "evals", lambda: changed)
    after = await run("v2")
    with pytest.raises(RunRefused, match="not judged by the same"):
        await in_thread(partial(report_against, after, before))
