"""The history, to look at."""

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import display

from prompts_app import history
from prompts_app.admin_display import STYLES
from prompts_app.history import MAX_ROWS, csv_lines
from prompts_app.models import PromptChange


@admin.register(PromptChange)
class PromptChangeAdmin(ModelAdmin):
    list_display = ("at", "prompt", "who", "what", "why", "door")
    list_filter = ("verb", "door", "actor", "prompt")
    list_select_related = ("prompt",)
    search_fields = ("why", "version", "actor")
    list_before_template = "admin/prompts_app/change_tools.html"
    date_hierarchy = "at"
    list_per_page = 50
    fields = ("at", "prompt", "version", "verb", "actor", "door", "why", "before", "after")

    @display(description="who did what")
    def who(self, change: PromptChange) -> SafeString:
        return format_html("<b>{}</b> {}", change.actor, history.title(change))

    @display(description="what changed")
    def what(self, change: PromptChange) -> str:
        return history.difference(change)

    class Media:
        css = STYLES

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.csv_view)
        return [path("csv/", view, name="prompts_app_promptchange_csv"), *super().get_urls()]

    def csv_view(self, request: HttpRequest) -> HttpResponse:
        """The list with its filters, before and after included, at most `MAX_ROWS` of it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            changes = self.get_changelist_instance(request).get_queryset(request)[:MAX_ROWS]
        except IncorrectLookupParameters:
            return redirect("admin:prompts_app_promptchange_changelist")
        disposition = {"Content-Disposition": 'attachment; filename="prompt-changes.csv"'}
        return HttpResponse("".join(csv_lines(changes)), content_type="text/csv", headers=disposition)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        return lookup == "version" or bool(super().lookup_allowed(lookup, value, request))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: PromptChange | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: PromptChange | None = None) -> bool:
        return False
