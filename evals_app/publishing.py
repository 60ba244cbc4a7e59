"""May a version be published? Only if it passed an evaluation against what is live (`REQUIRE_EVAL`)."""

from collections.abc import Iterator
from urllib.parse import urlencode

from django.urls import reverse

from evals_app.asked_versions import spoken
from evals_app.models import DatasetVersion, EvalRun
from evals_app.report import Comparison
from evals_app.reporting import kept_report
from evals_app.services import newest_versions
from prompts_app.models import PromptVersion
from prompts_app.publish_checks import Candidate, Objection

PASSES = ("better", "not worse")


def passed_evaluation(candidate: Candidate) -> list[Objection]:
    """A prompt of which nothing is live has nothing to be compared with: nothing is held up then."""
    if not candidate.live:
        return []
    datasets = newest_versions(candidate.prompt)
    if not datasets:
        says = f"There is no dataset to evaluate {candidate.prompt} on."
        return [Objection(says=says, url=reverse("admin:evals_app_dataset_add"), label="Make a dataset")]
    return [found for dataset in datasets if (found := _objection(candidate, dataset))]


def _objection(candidate: Candidate, dataset: DatasetVersion) -> Objection | None:
    """The newest run that compares exactly these words with what is live has the last say."""
    latest = next(_comparisons(candidate, dataset), None)
    if latest is None:
        says = f"No run over {dataset} compares this text with {' or '.join(candidate.live)}, which is live."
        query = {
            "dataset": dataset.dataset.name,
            "baseline": candidate.live[0],
            "candidates": candidate.version,
        }
        url = f"{reverse('admin:evals_app_evalrun_add')}?{urlencode(query)}"
        return Objection(says=says, url=url, label="Start the run")
    run, found = latest
    if found.verdict in PASSES:
        return None
    url = reverse("admin:evals_app_evalrun_change", args=[run.pk])
    says = f"Run {run.pk} over {dataset} did not pass: {found.verdict}. {found.reason}"
    return Objection(says=says, url=url, label=f"See run {run.pk}")


def _comparisons(candidate: Candidate, dataset: DatasetVersion) -> Iterator[tuple[EvalRun, Comparison]]:
    said = {candidate.version: spoken(candidate.content)}
    live = _live(candidate)
    runs = dataset.runs.filter(state=EvalRun.State.DONE, model="", digests__contains=said).order_by("-pk")
    for run in runs.iterator():
        report = kept_report(run)
        # What is live may have been another text when it was a draft.
        if report is None or (report.baseline, run.digests.get(report.baseline)) not in live:
            continue
        yield from ((run, found) for found in report.comparisons if found.version == candidate.version)


def _live(candidate: Candidate) -> set[tuple[str, str]]:
    """Label and digest of each version that is live."""
    rows = PromptVersion.objects.filter(prompt__name=candidate.prompt, label__in=candidate.live)
    return {(row.label, spoken(row.content)) for row in rows}
