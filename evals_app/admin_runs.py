"""Runs in the admin: start one, watch it, read what it found."""

import json
from typing import Any

import msgspec
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from kombu.exceptions import OperationalError
from unfold.admin import ModelAdmin
from unfold.decorators import display

from evals_app import report_pages, services
from evals_app.admin_display import STYLES, attachment, verdict_of
from evals_app.admin_run_form import run_form
from evals_app.exceptions import EvalError
from evals_app.formats.junit import to_junit
from evals_app.formats.markdown import to_markdown
from evals_app.models import EvalRun
from evals_app.pace import pace
from evals_app.reporting import case_outcomes, close_run, kept_report, report_against
from evals_app.tasks import hand_out
from prompts_app.content import is_storable

STATES = {"running": "info", "done": "success", "cancelled": "warning", "capped": "warning"}
VERDICTS = {"better": "success", "not worse": "success", "worse": "danger", "inconclusive": "warning"}
FORMATS = {"md": "text/markdown", "json": "application/json", "xml": "application/xml"}
LABELS = {"md": "Markdown", "json": "JSON", "xml": "JUnit"}
PAGE = "admin:evals_app_evalrun_change"
MOST_DIGITS = 20
"""Of a run's id that somebody typed: there is none with more, and Python reads no number of thousands."""


@admin.register(EvalRun)
class RunAdmin(ModelAdmin):
    list_display = ("run", "dataset", "compared", "status", "verdict", "progress", "spent", "created_at")
    list_filter = ("state", "dataset_version__dataset")
    list_per_page = 50
    actions = None

    class Media:
        css = STYLES

    @display(description="run", ordering="id")
    def run(self, run: EvalRun) -> str:
        return str(run.pk)

    @display(description="dataset")
    def dataset(self, run: EvalRun) -> str:
        return str(run.dataset_version)

    @display(description="versions")
    def compared(self, run: EvalRun) -> str:
        return " → ".join(run.versions)

    @display(description="state", label=STATES, ordering="state")
    def status(self, run: EvalRun) -> tuple[str, str]:
        return run.state, run.get_state_display()

    @display(description="verdict", label=VERDICTS)
    def verdict(self, run: EvalRun) -> str | None:
        return verdict_of(run)

    @display(description="answered")
    def progress(self, run: EvalRun) -> SafeString:
        bar = '<progress class="eval-progress" max="{}" value="{}"></progress> {} of {}'
        return format_html(bar, run.total, run.finished, run.finished, run.total)

    @display(description="spent", ordering="spent_usd")
    def spent(self, run: EvalRun) -> str:
        return f"${run.spent_usd:.4f}"

    def has_delete_permission(self, request: HttpRequest, obj: EvalRun | None = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        guarded = self.admin_site.admin_view
        return [
            path("<int:pk>/cancel/", guarded(self.cancel_view), name="evals_app_evalrun_cancel"),
            path("<int:pk>/resume/", guarded(self.resume_view), name="evals_app_evalrun_resume"),
            path("<int:pk>/case/<str:key>/", guarded(self.case_view), name="evals_app_evalrun_case"),
            path("<int:pk>/report.<str:form>", guarded(self.report_view), name="evals_app_evalrun_report"),
            *super().get_urls(),
        ]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        found = run_form(request, site=self.admin_site, opts=self.opts)
        if isinstance(found, EvalRun):
            self._hand_out(request, found)
            return redirect(PAGE, found.pk)
        return found

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        run = self._run(request, object_id)
        report = kept_report(run)
        if report and (against := request.GET.get("against", "")).isdecimal():
            try:
                report = report_against(run, services.find_run(int(against[:MOST_DIGITS])))
            except EvalError as exc:
                messages.error(request, str(exc))
                return redirect(PAGE, run.pk)
        return self._page(
            request,
            "run",
            comparable=report_pages.comparable(run) if report else (),
            title=f"Run {run.pk}: {run.dataset_version}",
            run=run,
            report=report,
            pace=pace(run) if run.state == EvalRun.State.RUNNING else None,
            panels=report_pages.panels(run, report) if report else (),
            matrix=report_pages.win_matrix(report) if report else (),
            measures=report_pages.measure_table(report) if report else (),
            slices=report_pages.slice_table(report) if report else (),
            scores=report_pages.score_chart(run) if report else "",
            failures=report_pages.failures(run),
            formats=LABELS,
            may_change=self.has_change_permission(request),
        )

    def case_view(self, request: HttpRequest, pk: int, key: str) -> HttpResponse:
        """All answers to one case, side by side."""
        run = self._run(request, pk)
        if not is_storable(key):
            raise Http404
        results = list(run.results.filter(case__key=key, repeat=0).select_related("case").order_by("id"))
        if not results:
            raise Http404
        case = results[0].case
        return self._page(
            request,
            "case",
            title=f"{key}, run {pk}",
            run=run,
            case=case,
            expected=json.dumps(case.expected, indent=2, ensure_ascii=False),
            sides=report_pages.sides(results),
        )

    def report_view(self, request: HttpRequest, pk: int, form: str) -> HttpResponse:
        run = self._run(request, pk)
        report = kept_report(run)
        if report is None or form not in FORMATS:
            raise Http404
        if form == "md":
            text = to_markdown(report, title=f"{run.dataset_version}: {', '.join(run.versions)}")
        elif form == "json":
            text = msgspec.json.format(msgspec.json.encode(report)).decode()
        else:
            text = to_junit(report, case_outcomes(run), name=run.dataset_version.dataset.name)
        return attachment(text, f"eval-run-{pk}.{form}", FORMATS[form])

    def cancel_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        self._check_change(request)
        services.cancel_run(pk, actor=request.user.get_username())
        close_run(pk)
        return redirect(PAGE, pk)

    def resume_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        self._check_change(request)
        try:
            run = services.resume_run(pk, actor=request.user.get_username())
        except EvalError as exc:
            messages.error(request, str(exc))
        else:
            self._hand_out(request, run)
        return redirect(PAGE, pk)

    def _check_change(self, request: HttpRequest) -> None:
        if request.method != "POST" or not self.has_change_permission(request):
            raise PermissionDenied

    def get_queryset(self, request: HttpRequest) -> QuerySet[EvalRun]:
        rows: QuerySet[EvalRun] = super().get_queryset(request).select_related("dataset_version__dataset")
        return rows

    def _run(self, request: HttpRequest, pk: int | str) -> EvalRun:
        if not self.has_view_permission(request):
            raise PermissionDenied
        run: EvalRun | None = self.get_object(request, str(pk))
        if run is None:
            raise Http404
        return run

    def _hand_out(self, request: HttpRequest, run: EvalRun) -> None:
        try:
            hand_out(run.pk)
        except OperationalError:
            messages.warning(
                request, f"The queue cannot be reached now: a worker takes {run} up when it starts."
            )

    def _page(self, request: HttpRequest, name: str, **shown: Any) -> TemplateResponse:
        context = self.admin_site.each_context(request) | {"opts": self.opts, **shown}
        return TemplateResponse(request, f"admin/evals_app/{name}.html", context)
