"""The verbs: the only code that writes datasets and runs, besides the lanes that answer a run's questions."""

import hashlib
from collections.abc import Sequence
from decimal import Decimal
from typing import Required, TypedDict, Unpack

import msgspec
from django.db import transaction
from django.utils.timezone import now

from evals_app import conf, datasets
from evals_app.asked_versions import spoken, version_contents
from evals_app.datasets import DatasetContent
from evals_app.estimation import Prices, ceiling
from evals_app.exceptions import DatasetInvalid, DatasetNotFound, RunNotFound, RunRefused
from evals_app.models import Case, Dataset, DatasetVersion, EvalResult, EvalRun
from gateway_app import catalogue
from gateway_app import conf as gateway_conf

MAX_QUESTIONS = 200_000
MAX_REPEATS = 100
MAX_CONCURRENCY = 64
BATCH = 2000
State = EvalRun.State


class Asked(TypedDict, total=False):
    """The arguments of `plan_run`."""

    dataset: Required[str]
    versions: Required[Sequence[str]]
    actor: Required[str]
    repeats: int
    concurrency: int
    cap_usd: Decimal | None
    model: str


@transaction.atomic
def save_dataset(content: DatasetContent, *, actor: str, why: str = "") -> DatasetVersion:
    """Makes the dataset or its next version; what changes nothing makes none. Raises `DatasetInvalid`."""
    datasets.check(content)
    Dataset.objects.get_or_create(name=content.name)
    dataset = Dataset.objects.select_for_update().get(name=content.name)
    newest = dataset.versions.first()
    if newest and newest.digest == content.digest:
        return newest
    version = DatasetVersion.objects.create(
        dataset=dataset,
        number=newest.number + 1 if newest else 1,
        prompt=content.prompt,
        description=content.description,
        primary=content.primary,
        margin=content.margin,
        guardrails=content.guardrails,
        evaluators=content.evaluators,
        digest=content.digest,
        author=actor,
        why=why,
    )
    cases = datasets.plain_cases(content)
    Case.objects.bulk_create(
        [Case(version=version, position=position, **case) for position, case in enumerate(cases, start=1)],
        batch_size=BATCH,
    )
    return version


def newest_versions(prompt: str) -> list[DatasetVersion]:
    """Of each dataset that is about `prompt` now."""
    rows = DatasetVersion.objects.order_by("dataset_id", "-number").distinct("dataset_id")
    return [row for row in rows.select_related("dataset") if row.prompt == prompt]


def find_run(run_id: int) -> EvalRun:
    """Raises `RunNotFound`."""
    run = EvalRun.objects.select_related("dataset_version__dataset").filter(pk=run_id).first()
    if run is None:
        raise RunNotFound(f"there is no run {run_id}")
    return run


def newest_version(dataset: str) -> DatasetVersion:
    """Raises `DatasetNotFound`."""
    found = DatasetVersion.objects.filter(dataset__name=dataset).order_by("-number").first()
    if found is None:
        raise DatasetNotFound(f"there is no dataset {dataset}")
    return found


def start_run(**asked: Unpack[Asked]) -> EvalRun:
    """Writes down every question of a run over the newest version of a dataset; lanes then answer them.

    Raises what `plan_run` raises, and `RunRefused` where the run could cost more than its cap.
    """
    run = plan_run(**asked)
    if run.estimate_usd is not None and run.estimate_usd > run.cap_usd:
        costs = f"the run may cost ${run.estimate_usd:.4f} and its cap is ${run.cap_usd:.4f}"
        raise RunRefused(f"{costs}: raise it, or ask less")
    return _write_run(run)


def plan_run(
    *,
    dataset: str,
    versions: Sequence[str],
    actor: str,
    repeats: int = 1,
    concurrency: int = 8,
    cap_usd: Decimal | None = None,
    model: str = "",
) -> EvalRun:
    """A run that is not written down yet, with what it may cost.

    The first of `versions` is the baseline. Raises `DatasetNotFound`, and `RunRefused` for versions, cases or
    models that do not fit together.
    """
    frozen = newest_version(dataset)
    content = frozen.content
    try:
        datasets.check(content)
    except DatasetInvalid as exc:
        raise RunRefused(f"{frozen} cannot be run any more: {exc}") from exc
    _check_size(content, versions, repeats=repeats, concurrency=concurrency)
    texts = version_contents(content.prompt, versions)
    estimate = ceiling(content, texts, _prices(), model=model, repeats=repeats)
    cap = conf.evals().cap_usd if cap_usd is None else cap_usd
    if cap <= 0:
        raise RunRefused("a cap is more than 0")
    return EvalRun(
        dataset_version=frozen,
        versions=list(versions),
        digests={label: spoken(text) for label, text in texts.items()},
        model=model,
        judged_by=_judged_by(content),
        repeats=repeats,
        concurrency=concurrency,
        estimate_usd=estimate,
        cap_usd=cap,
        total=len(content.cases) * len(versions) * repeats,
        started_by=actor,
    )


@transaction.atomic
def cancel_run(run_id: int, *, actor: str) -> EvalRun:
    """No further question is asked; those under way end. A run that has ended stays as it is.

    Raises `RunNotFound`.
    """
    try:
        run = EvalRun.objects.select_for_update().get(pk=run_id)
    except EvalRun.DoesNotExist:
        raise RunNotFound(f"there is no run {run_id}") from None
    if run.state == State.RUNNING:
        run.state, run.stopped_by, run.finished_at = State.CANCELLED, actor, now()
        run.save(update_fields=("state", "stopped_by", "finished_at"))
    return run


@transaction.atomic
def resume_run(run_id: int, *, actor: str, cap_usd: Decimal | None = None) -> EvalRun:
    """Goes on with a run that was cancelled or stopped at its cap; what is answered is not asked again.

    Raises `RunNotFound`, and `RunRefused` for a cap that is spent already.
    """
    try:
        run = EvalRun.objects.select_for_update().get(pk=run_id)
    except EvalRun.DoesNotExist:
        raise RunNotFound(f"there is no run {run_id}") from None
    if run.state not in (State.CANCELLED, State.CAPPED):
        return run
    run.cap_usd = run.cap_usd if cap_usd is None else cap_usd
    if run.spent_usd >= run.cap_usd:
        raise RunRefused(f"${run.spent_usd:.4f} is spent and the cap is ${run.cap_usd:.4f}: raise it")
    run.state, run.stopped_by, run.finished_at, run.report = State.RUNNING, "", None, None
    run.save(update_fields=("state", "stopped_by", "finished_at", "cap_usd", "report"))
    return run


def _check_size(content: DatasetContent, versions: Sequence[str], *, repeats: int, concurrency: int) -> None:
    if not versions or len(set(versions)) != len(versions):
        raise RunRefused("name one version or more, each once")
    if not 1 <= repeats <= MAX_REPEATS:
        raise RunRefused(f"repeats are from 1 to {MAX_REPEATS}")
    if not 1 <= concurrency <= MAX_CONCURRENCY:
        raise RunRefused(f"concurrency is from 1 to {MAX_CONCURRENCY}")
    questions = len(content.cases) * len(versions) * repeats
    if questions > MAX_QUESTIONS:
        raise RunRefused(f"{questions} questions are more than {MAX_QUESTIONS}: fewer cases or repeats")


def _judged_by(content: DatasetContent) -> str:
    settings = conf.evals()
    said = [content.evaluators, settings.judge_model, settings.embedding_model]
    return hashlib.sha256(msgspec.json.encode(said, order="deterministic")).hexdigest()


def _prices() -> Prices:
    settings = gateway_conf.gateway()
    return Prices(
        catalogue=catalogue.load(settings.catalogue),
        default_model=settings.default_model,
        judge_model=conf.evals().judge_model,
        embedding_model=conf.evals().embedding_model,
    )


@transaction.atomic
def _write_run(run: EvalRun) -> EvalRun:
    run.save()
    cases = list(run.dataset_version.cases.values_list("id", flat=True))
    # Case by case, the versions beside each other: a run that is stopped early has whole pairs to compare.
    questions = (
        EvalResult(run=run, version=version, case_id=case, repeat=repeat)
        for repeat in range(run.repeats)
        for case in cases
        for version in run.versions
    )
    EvalResult.objects.bulk_create(questions, batch_size=BATCH)
    return run
