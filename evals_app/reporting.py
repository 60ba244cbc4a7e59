"""A run's report: computed when the run is over, kept with it, read from there."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import msgspec
from django.db import transaction
from django.db.models import QuerySet
from django.utils.timezone import now

from evals_app.asked_versions import changed_versions
from evals_app.comparison import compare, distrusted
from evals_app.exceptions import RunRefused
from evals_app.formats.junit import CaseOutcome
from evals_app.models import EvalResult, EvalRun
from evals_app.report import RunReport
from evals_app.results import Result
from evals_app.verdicts import Goals

State = EvalRun.State


def close_run(run_id: int) -> bool:
    """Writes the report once nothing is open any more; True while the run has questions to ask."""
    run = EvalRun.objects.select_related("dataset_version").get(pk=run_id)
    if _goes_on(run):
        return True
    asked = run.results.filter(state=EvalResult.State.ASKED, leased_until__gte=now())
    if run.report is None and not asked.exists():
        # Outside of the transaction: thousands of answers take a while, and lanes wait for the run's row.
        _keep_report(run_id, msgspec.to_builtins(report(run)))
    return False


@transaction.atomic
def _keep_report(run_id: int, found: dict[str, Any]) -> None:
    run = EvalRun.objects.select_for_update().get(pk=run_id)
    if run.report is None and not _goes_on(run):
        run.report = found
        if run.state == State.RUNNING:
            run.state, run.finished_at = State.DONE, now()
        run.save(update_fields=("report", "state", "finished_at"))


def _goes_on(run: EvalRun) -> bool:
    return run.state == State.RUNNING and run.finished < run.total


def report(run: EvalRun) -> RunReport:
    """Of the questions that have been answered so far."""
    dataset = run.dataset_version
    goals = Goals(primary=dataset.primary, margin=dataset.margin, guardrails=dataset.guardrails)
    changed = changed_versions(dataset.prompt, run.digests, since=run.created_at)
    found = compare(
        list(_results(run, run.results.all())), versions=run.versions, goals=goals, repeats=run.repeats
    )
    return distrusted(found, changed) if changed else found


def report_against(run: EvalRun, before: EvalRun) -> RunReport:
    """The versions of `run` against the baseline of `before`, whose answers need not be paid for again.

    Raises `RunRefused` where the two did not put the same questions or were not judged alike.
    """
    one, other = before.dataset_version, run.dataset_version
    if one.dataset_id != other.dataset_id:
        raise RunRefused(f"{before} is over {one} and {run} over {other}: they asked different questions")
    if one.digest != other.digest:
        raise RunRefused(
            f"{one} changed to {other} between {before} and {run}: the questions are not the same"
        )
    if before.judged_by != run.judged_by:
        raise RunRefused(f"{before} and {run} were not judged by the same evaluators and models")
    baseline = f"{before.versions[0]} ({before})"
    former = before.results.filter(version=before.versions[0])
    results = [replace(result, version=baseline) for result in _results(before, former)]
    goals = Goals(primary=other.primary, margin=other.margin, guardrails=other.guardrails)
    return compare(
        [*results, *_results(run, run.results.all())],
        versions=[baseline, *run.versions],
        goals=goals,
        repeats=max(run.repeats, before.repeats),
    )


def kept_report(run: EvalRun) -> RunReport | None:
    """None while the run is not over. A report that an earlier release wrote is computed anew."""
    if run.report is None:
        return None
    try:
        return msgspec.convert(run.report, RunReport)
    except msgspec.ValidationError:
        return report(run)


def case_outcomes(run: EvalRun) -> list[CaseOutcome]:
    rows = run.results.filter(state=EvalResult.State.DONE).select_related("case")
    return [
        CaseOutcome(
            version=row.version,
            name=row.case.key if run.repeats == 1 else f"{row.case.key} ({row.repeat + 1})",
            seconds=(row.latency_ms or 0.0) / 1000,
            error=row.error,
            failures=tuple(
                f"{name}: {score['error'] or score['reason']}"
                for name, score in row.scores.items()
                if not score["passed"]
            ),
        )
        for row in rows.order_by("version", "case__position", "repeat")
    ]


def _results(run: EvalRun, which: QuerySet[EvalResult]) -> Iterator[Result]:
    rows = which.filter(state=EvalResult.State.DONE).select_related("case").order_by("case__position")
    texts = ("output", "case__variables", "case__messages", "case__expected")
    # Postgres orders the keys of JSON as it likes; people know the evaluators in the dataset's order.
    names = [entry.get("name") or entry["kind"] for entry in run.dataset_version.evaluators]
    for row in rows.defer(*texts).iterator(chunk_size=2000):
        verdicts = row.scores.values()
        yield Result(
            version=row.version,
            case=row.case.key,
            critical=row.case.critical,
            score=row.score,
            passed=row.passed,
            values={name: row.scores[name]["value"] for name in names if name in row.scores},
            failed=bool(row.error) or any(score["error"] for score in verdicts),
            tags=tuple(row.case.tags),
            flips=tuple(s["flipped"] for s in verdicts if s.get("flipped") is not None),
            latency=None if row.error or row.latency_ms is None else row.latency_ms / 1000,
            cost=None if row.cost_usd is None else float(row.cost_usd),
        )
