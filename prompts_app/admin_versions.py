"""The pages of a version: the editor of a draft, and what a published one says."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from unfold.decorators import display

from prompts_app import services
from prompts_app.admin_check import check
from prompts_app.admin_display import STATUS_COLOURS, STYLES, live_shares
from prompts_app.admin_facts import template_text, version_facts
from prompts_app.admin_forms import VersionForm
from prompts_app.admin_verbs import VERSION_VERBS, VerbAdmin, new_version_url
from prompts_app.content import FIELDS, problems
from prompts_app.exceptions import ChangeRefused
from prompts_app.models import Prompt, PromptVersion
from prompts_app.publish_checks import objections


@admin.register(PromptVersion)
class PromptVersionAdmin(VerbAdmin):
    form = VersionForm
    verbs = VERSION_VERBS
    actions = None
    list_display = ("label", "prompt", "state", "author", "created_at")
    list_filter = ("status", "prompt")
    list_select_related = ("prompt",)
    search_fields = ("label", "prompt__name", "notes")
    ordering = ("-id",)
    warn_unsaved_form = True
    change_form_outer_before_template = "admin/prompts_app/version_panel.html"

    class Media:
        css = STYLES
        js = ["prompts_app/editor.js", "prompts_app/messages.js"]

    @display(description="status", label=STATUS_COLOURS)
    def state(self, version: PromptVersion) -> str:
        return version.status

    def get_fieldsets(self, request: HttpRequest, obj: PromptVersion | None = None) -> Any:
        if obj and not self.has_change_permission(request, obj):
            return []
        texts = ("prompt", "label") if obj is None else ()
        return [
            (None, {"fields": (*texts, "system", "user", "seen_revision")}),
            ("Variables and examples", {"fields": ("variables", "messages")}),
            ("Model", {"fields": ("model", "parameters", "response_schema")}),
            ("About this version", {"fields": ("notes", "why")}),
        ]

    def has_change_permission(self, request: HttpRequest, obj: PromptVersion | None = None) -> bool:
        may: bool = super().has_change_permission(request, obj)
        return may and (obj is None or obj.status == PromptVersion.Status.DRAFT)

    def has_delete_permission(self, request: HttpRequest, obj: PromptVersion | None = None) -> bool:
        may: bool = super().has_delete_permission(request, obj)
        return may and obj is not None and obj.status == PromptVersion.Status.DRAFT

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """A new version begins as a copy of `?from=<id>`, or of the newest one of `?prompt=<id>`."""
        initial: dict[str, Any] = super().get_changeform_initial_data(request)
        prompt = Prompt.objects.filter(pk=_number(request.GET.get("prompt"))).first()
        if prompt is None:
            return initial
        versions = prompt.versions.order_by("-id")
        source = versions.filter(pk=_number(request.GET.get("from"))).first() or versions.first()
        copied = {name: getattr(source, name) for name in FIELDS if name != "notes"} if source else {}
        return initial | copied | {"prompt": prompt.pk, "label": _next_label(prompt)}

    def save_model(self, request: HttpRequest, obj: PromptVersion, form: VersionForm, change: bool) -> None:
        by = form.by(request.user)
        if not change:
            by["expected_revision"] = None
            if obj.prompt.versions.filter(label=obj.label).exists():
                raise ChangeRefused(f"{obj.prompt.name} has a version {obj.label} already")
        saved = services.save_draft(prompt=obj.prompt.name, version=obj.label, content=form.content(), **by)
        obj.pk, obj.status = saved.pk, saved.status

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.check_view)
        return [
            path("check/", view, name="prompts_app_promptversion_check"),
            path("<int:pk>/check/", view, name="prompts_app_promptversion_check"),
            *super().get_urls(),
        ]

    def check_view(self, request: HttpRequest, pk: int | None = None) -> HttpResponse:
        """For editor.js: what the form as it is now would be told."""
        version = None if pk is None else get_object_or_404(PromptVersion, pk=pk)
        if not (
            self.has_change_permission(request, version) if version else self.has_add_permission(request)
        ):
            raise PermissionDenied
        form = self.get_form(request, version, change=bool(version))(request.POST, instance=version)
        return JsonResponse(check(form))

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        check_url = {"check_url": reverse("admin:prompts_app_promptversion_check")}
        response: HttpResponse = super().add_view(request, form_url, (extra_context or {}) | check_url)
        return response

    def delete_model(self, request: HttpRequest, obj: PromptVersion) -> None:
        services.delete_draft(
            prompt=obj.prompt.name, version=obj.label, actor=request.user.get_username(), door="admin"
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        version = self.get_object(request, object_id)
        panel = self._panel(request, version) if version else {}
        response: HttpResponse = super().change_view(
            request, object_id, form_url, (extra_context or {}) | panel
        )
        return response

    def _panel(self, request: HttpRequest, version: PromptVersion) -> dict[str, Any]:
        turns = [(turn.role, template_text(turn.content)) for turn in version.content.turns]
        editable = self.has_change_permission(request, version)
        return {
            "version": version,
            "check_url": reverse("admin:prompts_app_promptversion_check", args=[version.pk])
            if editable
            else "",
            "colour": STATUS_COLOURS[version.status],
            "share": dict(live_shares(version.prompt)).get(version.label),
            "compare_url": reverse("admin:prompts_app_prompt_compare", args=[version.prompt_id])
            + f"?new={version.label}",
            "try_url": reverse("admin:prompts_app_prompt_try", args=[version.prompt_id])
            + f"?version={version.label}",
            "copy_url": f"{new_version_url(version.prompt)}&from={version.pk}",
            "buttons": self.buttons(request, version),
            "objections": objections(version) if version.status == "draft" else [],
            "problems": problems(version.content) if version.status == "draft" else [],
            "turns": turns,
            "facts": version_facts(version),
            "readable": not editable,
        }

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        version = self.get_object(request, object_id)
        query = f"?prompt__id__exact={version.prompt_id}&version={version.label}" if version else ""
        return redirect(reverse("admin:prompts_app_promptchange_changelist") + query)


def _next_label(prompt: Prompt) -> str:
    taken = set(prompt.versions.values_list("label", flat=True))
    number = len(taken) + 1
    while f"v{number}" in taken:
        number += 1
    return f"v{number}"


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 19 else 0
