"""The pages of a prompt: what is live, the traffic, the versions, the history."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from prompts_app import conf, services
from prompts_app.admin_compare import compare, pick
from prompts_app.admin_display import (
    STYLES,
    change_row,
    last_change,
    live_shares,
    pin_warning,
    traffic_bar,
    version_row,
    with_last_change,
)
from prompts_app.admin_files import download, upload_view
from prompts_app.admin_forms import PromptForm
from prompts_app.admin_playground import examples_view, playground_view
from prompts_app.admin_schedule import cancel_view, schedule_view, scheduled_rows
from prompts_app.admin_split import split_view
from prompts_app.admin_verbs import PROMPT_VERBS, PUBLISH, TRY, VerbAdmin, new_version_url, page_of
from prompts_app.models import Prompt, PromptVersion

SHOWN = 30
"""Versions on a prompt's page; the rest are one click away."""

PromptPage = Callable[..., HttpResponse]
PAGES: Mapping[str, PromptPage] = {"try": playground_view, "split": split_view, "schedule": schedule_view}
"""Behind the buttons of a prompt's page, by the end of their address."""


@admin.register(Prompt)
class PromptAdmin(VerbAdmin):
    form = PromptForm
    verbs = PROMPT_VERBS
    actions = None
    list_display = ("heading", "live", "drafts", "version_count", "changed")
    list_filter = ("archived",)
    search_fields = ("name", "description")
    list_per_page = 50
    warn_unsaved_form = True
    list_before_template = "admin/prompts_app/prompt_tools.html"
    change_form_outer_before_template = "admin/prompts_app/prompt_panel.html"
    change_form_outer_after_template = "admin/prompts_app/prompt_below.html"

    class Media:
        css = STYLES

    def get_queryset(self, request: HttpRequest) -> QuerySet[Prompt]:
        rows = super().get_queryset(request).select_related("active_version")
        drafts = Count("versions", filter=Q(versions__status=PromptVersion.Status.DRAFT))
        counted: QuerySet[Prompt] = with_last_change(rows).annotate(
            count=Count("versions"), draft_count=drafts
        )
        return counted

    @display(description="prompt", ordering="name")
    def heading(self, prompt: Prompt) -> SafeString:
        return format_html(
            '<b>{}</b><span class="prompt-quiet prompt-about">{}</span>', prompt.name, prompt.description
        )

    @display(description="drafts", ordering="draft_count")
    def drafts(self, prompt: Any) -> int | str:
        return prompt.draft_count or ""

    @display(description="live")
    def live(self, prompt: Prompt) -> SafeString:
        return traffic_bar(prompt)

    @display(description="versions", ordering="count")
    def version_count(self, prompt: Any) -> int:
        return int(prompt.count)

    @display(description="last change", ordering="last_at")
    def changed(self, prompt: Prompt) -> SafeString:
        return last_change(prompt)

    def get_fieldsets(self, request: HttpRequest, obj: Prompt | None = None) -> Any:
        if obj is None:
            return [(None, {"fields": ("name", "description")})]
        fields = ("active_version", "traffic_split", "description", "why", "seen_revision")
        # What was sent and refused is to be seen.
        folded = ["collapse"] if request.method == "GET" else []
        return [("Description, and traffic by hand", {"fields": fields, "classes": folded})]

    def get_readonly_fields(self, request: HttpRequest, obj: Prompt | None = None) -> tuple[str, ...]:
        """Editors describe, publishers direct traffic."""
        traffic = () if obj is None or request.user.has_perm(PUBLISH) else ("active_version", "traffic_split")
        text = () if obj is None or super().has_change_permission(request, obj) else ("description",)
        return (*traffic, *text)

    def has_change_permission(self, request: HttpRequest, obj: Prompt | None = None) -> bool:
        return request.user.has_perm(PUBLISH) or bool(super().has_change_permission(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Prompt | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Prompt, form: PromptForm, change: bool) -> None:
        by = form.by(request.user)
        if not change:
            created = services.create_prompt(name=obj.name, description=obj.description, **by)
            obj.pk = created.pk
            return
        if form.changed("active_version") or form.changed("traffic_split"):
            by["expected_revision"] = self._direct(obj, form, by).revision
        if form.changed("description"):
            services.describe_prompt(prompt=obj.name, description=obj.description, **by)
        self._warn(request, obj, form)

    def _direct(self, obj: Prompt, form: PromptForm, by: Any) -> Prompt:
        active = obj.active_version
        if active and not obj.traffic_split:
            return services.activate_version(prompt=obj.name, version=active.label, **by)
        label = active.label if active else None
        return services.set_split(prompt=obj.name, split=obj.traffic_split, active_version=label, **by)

    def _warn(self, request: HttpRequest, obj: Prompt, form: PromptForm) -> None:
        if warning := pin_warning(obj):
            messages.warning(request, warning)
        elif form.changed("active_version") and obj.traffic_split:
            messages.warning(request, "The traffic split decides, not the active version, until it is empty.")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        prompt = self.get_object(request, object_id)
        panel = self._panel(request, prompt) if prompt else {}
        response: HttpResponse = super().change_view(
            request, object_id, form_url, (extra_context or {}) | panel
        )
        return response

    def _panel(self, request: HttpRequest, prompt: Prompt) -> dict[str, Any]:
        shares = dict(live_shares(prompt))
        newest = prompt.versions.order_by("-id")[:SHOWN]
        versions = self.admin_site.get_model_admin(PromptVersion)
        every = reverse("admin:prompts_app_promptversion_changelist") + f"?prompt__id__exact={prompt.pk}"
        return {
            "all_versions_url": every,
            "prompt": prompt,
            "bar": traffic_bar(prompt),
            "pin_warning": pin_warning(prompt),
            "buttons": self.buttons(request, prompt),
            "download_url": reverse("admin:prompts_app_prompt_download", args=[prompt.pk]),
            "compare_url": reverse("admin:prompts_app_prompt_compare", args=[prompt.pk]),
            "new_version_url": new_version_url(prompt),
            "try_url": reverse("admin:prompts_app_prompt_try", args=[prompt.pk]),
            "versions": [
                version_row(row, share=shares.get(row.label), buttons=versions.buttons(request, row))
                for row in newest
            ],
            "split_url": reverse("admin:prompts_app_prompt_split", args=[prompt.pk]),
            "schedule_url": reverse("admin:prompts_app_prompt_schedule", args=[prompt.pk]),
            "scheduled": scheduled_rows(prompt),
            "has_figures": (figures := conf.figures()) is not None,
            "figures": figures(prompt.name) if figures else None,
            "draft_count": sum(row.status == "draft" for row in newest),
            "changes": [change_row(change) for change in prompt.changes.all()[:6]],
        }

    def get_urls(self) -> list[URLPattern]:
        guarded = self.admin_site.admin_view
        pages = [
            path(
                f"<int:pk>/{name}/",
                guarded(partial(self.page_view, view=view)),
                name=f"prompts_app_prompt_{name}",
            )
            for name, view in PAGES.items()
        ]
        return [
            *pages,
            path("named/<slug:name>/try/", guarded(self.try_named_view), name="prompts_app_prompt_try_named"),
            path("upload/", guarded(self.upload_view), name="prompts_app_prompt_upload"),
            path("download/", guarded(self.download_view), name="prompts_app_prompt_download_all"),
            path("<int:pk>/download/", guarded(self.download_view), name="prompts_app_prompt_download"),
            path("<int:pk>/compare/", guarded(self.compare_view), name="prompts_app_prompt_compare"),
            path("<int:pk>/examples/", guarded(self.examples_view), name="prompts_app_prompt_examples"),
            path(
                "<int:pk>/schedule/<int:change>/cancel/",
                guarded(self.cancel_view),
                name="prompts_app_prompt_cancel",
            ),
            *super().get_urls(),
        ]

    def try_named_view(self, request: HttpRequest, name: str) -> HttpResponse:
        """For who knows a prompt by its name alone, as the ledger does."""
        if not request.user.has_perm(TRY):
            raise PermissionDenied
        prompt = get_object_or_404(Prompt, name=name)
        page = reverse("admin:prompts_app_prompt_try", args=[prompt.pk])
        return redirect(f"{page}?{request.GET.urlencode()}")

    def page_view(self, request: HttpRequest, pk: int, *, view: PromptPage) -> HttpResponse:
        prompt = get_object_or_404(Prompt.objects.select_related("active_version"), pk=pk)
        return view(request, prompt, site=self.admin_site, opts=self.opts)

    def cancel_view(self, request: HttpRequest, pk: int, change: int) -> HttpResponse:
        return cancel_view(request, get_object_or_404(Prompt, pk=pk), change)

    def examples_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return examples_view(request, get_object_or_404(Prompt, pk=pk))

    def upload_view(self, request: HttpRequest) -> HttpResponse:
        return upload_view(request, site=self.admin_site, opts=self.opts)

    def download_view(self, request: HttpRequest, pk: int | None = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return download(None if pk is None else [get_object_or_404(Prompt, pk=pk).name])

    def compare_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Two versions side by side: `?old=v1&new=v2`."""
        prompt = get_object_or_404(Prompt.objects.select_related("active_version"), pk=pk)
        if not self.has_view_permission(request, prompt):
            raise PermissionDenied
        old, new = pick(prompt, request.GET.get("old"), request.GET.get("new"))
        context = self.admin_site.each_context(request) | {
            "opts": self.opts,
            "title": f"Compare versions of {prompt.name}",
            "original": prompt,
            "prompt": prompt,
            "versions": prompt.versions.order_by("-id"),
            "choices": [("old", old), ("new", new)],
            "rows": compare(old.content, new.content) if old and new else [],
            "back": page_of(prompt),
        }
        return TemplateResponse(request, "admin/prompts_app/compare.html", context)

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return redirect(
            reverse("admin:prompts_app_promptchange_changelist") + f"?prompt__id__exact={object_id}"
        )
