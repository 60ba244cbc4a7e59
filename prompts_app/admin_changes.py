"""The history, to look at."""

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.decorators import display

from prompts_app import history
from prompts_app.models import PromptChange

STYLES = {"all": ["prompts_app/admin.css"]}


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
