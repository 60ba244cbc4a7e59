"""What was purged from the cache, and a form to purge more."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from gateway_app.models import CachePurge
from gateway_app.purges import check_purge, purge_cache


@admin.register(CachePurge)
class CachePurgeAdmin(ModelAdmin):
    """Adding one purges; the list says what was purged when, and by whom."""

    list_display = ("kind", "name", "purged_at", "purged_by")
    list_filter = ("kind",)
    fields = ("kind", "name")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)

        class PurgeForm(form):  # type: ignore[misc, valid-type]
            def clean(self) -> Any:
                cleaned = super().clean()
                try:
                    check_purge(kind=cleaned.get("kind", ""), name=cleaned.get("name", ""))
                except ValueError as exc:
                    raise ValidationError(str(exc)) from exc
                return cleaned

        return PurgeForm

    def save_model(self, request: HttpRequest, obj: CachePurge, form: Any, change: bool) -> None:
        row = purge_cache(kind=obj.kind, name=obj.name, actor=request.user.get_username())
        obj.pk = row.pk
        messages.success(request, "Purged: nothing older than now is served any more, within a second.")
