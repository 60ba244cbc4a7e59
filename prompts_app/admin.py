"""The prompt editors' pages. Whatever they write goes through the verbs."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import display

from prompts_app import history, services
from prompts_app.admin_compare import compare, pick
from prompts_app.admin_display import (
    STATUS_COLOURS,
    change_row,
    last_change,
    live_shares,
    pin_warning,
    template_text,
    traffic_bar,
    version_facts,
    version_row,
    with_last_change,
)
from prompts_app.admin_forms import PromptForm, VersionForm
from prompts_app.admin_verbs import PROMPT_VERBS, PUBLISH, VERSION_VERBS, VerbAdmin, page_of
from prompts_app.content import FIELDS, problems
from prompts_app.exceptions import ChangeRefused
from prompts_app.models import Prompt, PromptChange, PromptVersion

STYLES = {"all": ["prompts_app/admin.css"]}


@admin.register(Prompt)
class PromptAdmin(VerbAdmin):
    form = PromptForm
    verbs = PROMPT_VERBS
    actions = None
    list_display = ("name", "live", "version_count", "changed")
    list_filter = ("archived",)
    search_fields = ("name", "description")
    list_per_page = 50
    warn_unsaved_form = True
    change_form_outer_before_template = "admin/prompts_app/prompt_panel.html"
    change_form_outer_after_template = "admin/prompts_app/prompt_versions.html"

    class Media:
        css = STYLES

    def get_queryset(self, request: HttpRequest) -> QuerySet[Prompt]:
        rows = super().get_queryset(request).select_related("active_version")
        counted: QuerySet[Prompt] = with_last_change(rows).annotate(count=Count("versions"))
        return counted

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
        return [("Traffic and description", {"fields": fields})]

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
        newest = prompt.versions.order_by("-id")
        return {
            "prompt": prompt,
            "bar": traffic_bar(prompt),
            "pin_warning": pin_warning(prompt),
            "buttons": self.buttons(request, prompt),
            "compare_url": reverse("admin:prompts_app_prompt_compare", args=[prompt.pk]),
            "new_version_url": _add_version_url(prompt),
            "versions": [version_row(row, share=shares.get(row.label)) for row in newest],
            "draft_count": sum(row.status == "draft" for row in newest),
            "changes": [change_row(change) for change in prompt.changes.all()[:6]],
        }

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.compare_view)
        return [path("<int:pk>/compare/", view, name="prompts_app_prompt_compare"), *super().get_urls()]

    def compare_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Two versions side by side: `?old=v1&new=v2`."""
        prompt = get_object_or_404(Prompt.objects.select_related("active_version"), pk=pk)
        if not self.has_view_permission(request, prompt):
            raise PermissionDenied
        old, new = pick(prompt, request.GET.get("old"), request.GET.get("new"))
        context = self.admin_site.each_context(request) | {
            "opts": self.opts,
            "title": f"Compare versions of {prompt.name}",
            "prompt": prompt,
            "versions": prompt.versions.order_by("-id"),
            "choices": [("old", old), ("new", new)],
            "rows": compare(old.content, new.content) if old and new else [],
            "back": page_of(prompt),
        }
        return TemplateResponse(request, "admin/prompts_app/compare.html", context)

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        return redirect(
            reverse("admin:prompts_app_promptchange_changelist") + f"?prompt__id__exact={object_id}"
        )


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
        return {
            "version": version,
            "colour": STATUS_COLOURS[version.status],
            "compare_url": reverse("admin:prompts_app_prompt_compare", args=[version.prompt_id])
            + f"?new={version.label}",
            "copy_url": f"{_add_version_url(version.prompt)}&from={version.pk}",
            "buttons": self.buttons(request, version),
            "problems": problems(version.content) if version.status == "draft" else [],
            "turns": turns,
            "facts": version_facts(version),
            "readable": not self.has_change_permission(request, version),
        }

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        version = self.get_object(request, object_id)
        query = f"?prompt__id__exact={version.prompt_id}&version={version.label}" if version else ""
        return redirect(reverse("admin:prompts_app_promptchange_changelist") + query)


@admin.register(PromptChange)
class PromptChangeAdmin(ModelAdmin):
    list_display = ("at", "prompt", "verb", "version", "what", "why", "actor", "door")
    list_filter = ("verb", "door", "actor", "prompt")
    list_select_related = ("prompt",)
    search_fields = ("why", "version", "actor")
    date_hierarchy = "at"
    list_per_page = 50
    fields = ("at", "prompt", "version", "verb", "actor", "door", "why", "before", "after")

    @display(description="what changed")
    def what(self, change: PromptChange) -> str:
        return history.difference(change)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        return lookup == "version" or bool(super().lookup_allowed(lookup, value, request))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: PromptChange | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: PromptChange | None = None) -> bool:
        return False


def _add_version_url(prompt: Prompt) -> str:
    return reverse("admin:prompts_app_promptversion_add") + f"?prompt={prompt.pk}"


def _next_label(prompt: Prompt) -> str:
    taken = set(prompt.versions.values_list("label", flat=True))
    number = len(taken) + 1
    while f"v{number}" in taken:
        number += 1
    return f"v{number}"


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 19 else 0
