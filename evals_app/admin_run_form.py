"""The page that starts a run: which dataset, then which versions, what it may cost, and go."""

from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from evals_app import conf, services
from evals_app.admin_forms import RunForm
from evals_app.exceptions import EvalError
from evals_app.models import Dataset, DatasetVersion, EvalRun
from prompts_app.exceptions import PromptError
from prompts_app.registry import registry
from prompts_app.snapshot import PromptEntry

ESTIMATE = "estimate"
"""The button that only asks what a run may cost."""


def run_form(request: HttpRequest, *, site: AdminSite, opts: Any) -> EvalRun | HttpResponse:
    """The run that was started, or the page."""
    chosen = request.POST.get("dataset") or request.GET.get("dataset") or ""
    dataset = DatasetVersion.objects.filter(dataset__name=chosen).order_by("-number").first()
    context = site.each_context(request) | {"opts": opts, "title": "New run"}
    if dataset is None:
        names = Dataset.objects.values_list("name", flat=True)
        return TemplateResponse(request, "admin/evals_app/run_choose.html", context | {"names": names})
    entry = _prompt(dataset.prompt)
    form = RunForm(_choices(entry), request.POST or None, initial=_initial(request, dataset, entry))
    planned = None
    if form.is_valid():
        asked = form.asked() | {"actor": request.user.get_username()}
        try:
            if ESTIMATE not in request.POST:
                return services.start_run(**asked)
            planned = services.plan_run(**asked)
        except EvalError as exc:
            form.add_error(None, str(exc))
    context |= {"form": form, "dataset": dataset, "planned": planned, "cases": dataset.cases.count()}
    return TemplateResponse(request, "admin/evals_app/run_form.html", context)


def _prompt(name: str) -> PromptEntry | None:
    try:
        registry.catch_up()
        return registry.prompt(name)
    except PromptError:
        return None


def _choices(entry: PromptEntry | None) -> list[tuple[str, str]]:
    """The versions that can be asked, the newest first, and what each of them is."""
    if entry is None:
        return []
    live = entry.live()
    usable = [version for version in entry.newest_first if version.status in ("published", "draft")]
    return [(v.label, f"{v.label} · {'live' if v.label in live else v.status}") for v in usable]


def _initial(request: HttpRequest, dataset: DatasetVersion, entry: PromptEntry | None) -> dict[str, Any]:
    """What is live against the newest other version, unless the address says otherwise."""
    labels = [label for label, _ in _choices(entry)]
    baseline = request.GET.get("baseline") or (entry and entry.active) or (labels[-1] if labels else "")
    others = [label for label in labels if label != baseline]
    usual = {
        "dataset": dataset.dataset.name,
        "baseline": baseline,
        "candidates": request.GET.getlist("candidates") or others[:1],
        "cap_usd": conf.evals().cap_usd,
    }
    return usual | {name: value for name, value in request.GET.items() if name not in usual}
