"""Datasets in the admin: one YAML text, its versions, its runs."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import display

from evals_app import services
from evals_app.admin_calls import add_call_view, sample_view
from evals_app.admin_display import STYLES, attachment, gravest, run_link
from evals_app.admin_files import import_view
from evals_app.admin_forms import DatasetForm
from evals_app.dataset_files import WRITERS, to_yaml
from evals_app.models import Dataset, DatasetVersion, EvalRun

MOST_SHOWN = 200
"""Cases in the list on a dataset's page."""
MOST_EDITABLE = 1000
"""Cases beyond which a dataset is not edited in a text box."""


@admin.register(Dataset)
class DatasetAdmin(ModelAdmin):
    form = DatasetForm
    list_display = ("name", "prompt", "cases", "version", "last_run")
    search_fields = ("name",)
    actions = None
    list_before_template = "admin/evals_app/dataset_tools.html"
    change_form_outer_before_template = "admin/evals_app/dataset_panel.html"

    class Media:
        css = STYLES

    def get_queryset(self, request: HttpRequest) -> QuerySet[Dataset]:
        rows: QuerySet[Dataset] = super().get_queryset(request)
        versions = DatasetVersion.objects.filter(dataset=OuterRef("pk")).order_by("-number")
        runs = EvalRun.objects.filter(dataset_version__dataset=OuterRef("pk")).order_by("-pk")
        return rows.annotate(
            newest_prompt=Subquery(versions.values("prompt")[:1]),
            newest_number=Subquery(versions.values("number")[:1]),
            newest_author=Subquery(versions.values("author")[:1]),
            case_count=Subquery(versions.annotate(count=Count("cases")).values("count")[:1]),
            run_id=Subquery(runs.values("pk")[:1]),
            run_state=Subquery(runs.values("state")[:1]),
            comparisons=Subquery(runs.values("report__comparisons")[:1]),
        )

    def get_fields(self, request: HttpRequest, obj: Dataset | None = None) -> tuple[str, ...]:
        return ("text", "why")

    @display(description="prompt", ordering="newest_prompt")
    def prompt(self, dataset: Any) -> str:
        return str(dataset.newest_prompt)

    @display(description="cases", ordering="case_count")
    def cases(self, dataset: Any) -> int:
        return int(dataset.case_count)

    @display(description="version")
    def version(self, dataset: Any) -> str:
        return f"#{dataset.newest_number} by {dataset.newest_author}"

    @display(description="last run", ordering="run_id")
    def last_run(self, dataset: Any) -> SafeString | str:
        if dataset.run_id is None:
            return "—"
        verdict = gravest(found["verdict"] for found in dataset.comparisons or ())
        return run_link(dataset.run_id, says=verdict or dataset.run_state)

    def has_delete_permission(self, request: HttpRequest, obj: Dataset | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Dataset | None = None) -> bool:
        newest = obj.versions.first() if obj else None
        small = newest is None or newest.cases.count() <= MOST_EDITABLE
        return small and bool(super().has_change_permission(request, obj))

    def save_model(self, request: HttpRequest, obj: Dataset, form: DatasetForm, change: bool) -> None:
        content, why = form.cleaned_data["text"], form.cleaned_data["why"]
        saved = services.save_dataset(content, actor=request.user.get_username(), why=why)
        obj.pk, obj.name = saved.dataset.pk, saved.dataset.name

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        dataset = self.get_object(request, object_id)
        newest = dataset.versions.first() if dataset else None
        shown = {
            "newest": newest,
            "case_count": newest.cases.count() if newest else 0,
            "cases": newest.cases.order_by("position")[:MOST_SHOWN] if newest else (),
            "show_save_and_add_another": False,
            "versions": dataset.versions.all()[:10] if dataset else (),
            "runs": EvalRun.objects.filter(dataset_version__dataset=dataset)[:10] if dataset else (),
            "formats": ("yaml", *WRITERS),
        }
        answer: HttpResponse = super().change_view(
            request, object_id, form_url, shown | (extra_context or {})
        )
        return answer

    def get_urls(self) -> list[URLPattern]:
        guarded = self.admin_site.admin_view
        view = guarded(self.download_view)
        return [
            path("<int:pk>/download/<str:form>/", view, name="evals_app_dataset_download"),
            path("<int:pk>/calls/", guarded(self.calls_view), name="evals_app_dataset_calls"),
            path("<int:pk>/import/", guarded(self.import_view), name="evals_app_dataset_import"),
            path("import/", guarded(self.import_view), name="evals_app_dataset_import_new"),
            path("add-call/<uuid:call>/", guarded(self.add_call_view), name="evals_app_add_call"),
            *super().get_urls(),
        ]

    def calls_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        dataset = get_object_or_404(Dataset, pk=pk)
        return sample_view(request, dataset, site=self.admin_site, opts=self.opts)

    def add_call_view(self, request: HttpRequest, call: UUID) -> HttpResponse:
        return add_call_view(request, call, site=self.admin_site, opts=self.opts)

    def import_view(self, request: HttpRequest, pk: int | None = None) -> HttpResponse:
        dataset = get_object_or_404(Dataset, pk=pk) if pk is not None else None
        return import_view(request, dataset, site=self.admin_site, opts=self.opts)

    def download_view(self, request: HttpRequest, pk: int, form: str) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        content = services.newest_version(get_object_or_404(Dataset, pk=pk).name).content
        if form != "yaml" and form not in WRITERS:
            raise Http404
        text = to_yaml(content) if form == "yaml" else WRITERS[form](content.cases)
        return attachment(text, f"{content.name}.{form}", "text/plain; charset=utf-8")
