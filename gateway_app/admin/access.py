"""Projects and keys, made and revoked through `access`."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms import ModelForm, MultipleChoiceField
from django.forms.widgets import CheckboxSelectMultiple
from django.http import HttpRequest
from django.utils.html import format_html
from unfold.admin import ModelAdmin
from unfold.decorators import display

from gateway_app.access import SCOPES, USUAL_SCOPES, create_key, revoke_key
from gateway_app.models import ApiKey, Project


@admin.register(Project)
class ProjectAdmin(ModelAdmin):
    list_display = ("name", "created_at", "content")
    search_fields = ("name",)
    fieldsets = (
        (None, {"fields": ("name",)}),
        (
            "Content in the ledger",
            {
                "fields": (("content_percent", "content_days"),),
                "description": "What was said is not kept unless you ask for it here.",
            },
        ),
    )

    @display(description="Content kept")
    def content(self, project: Project) -> str:
        kept = f"of {project.content_percent} % of calls, for {project.content_days} days"
        return kept if project.content_percent else "none"


class NewKeyForm(ModelForm):  # type: ignore[type-arg]
    """What a person chooses; id and secret are minted."""

    scopes = MultipleChoiceField(
        choices=[(scope, scope) for scope in SCOPES], initial=USUAL_SCOPES, widget=CheckboxSelectMultiple
    )

    class Meta:
        model = ApiKey
        fields = ("project", "name", "scopes", "expires_at")


@admin.register(ApiKey)
class ApiKeyAdmin(ModelAdmin):
    """Keys are made and revoked, never changed."""

    list_display = ("name", "id", "project", "state", "scopes", "created_at", "expires_at")
    list_filter = ("project",)
    search_fields = ("id", "name")
    list_select_related = ("project",)
    actions = ("revoke",)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is None:
            kwargs["form"] = NewKeyForm
        return super().get_form(request, obj, change=change, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        fields = ("project", "name", "scopes", "expires_at")
        return fields if obj is None else (*fields, "id", "created_at", "revoked_at")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # The revoke action needs the permission; a single key's page only shows.
        return obj is None and bool(super().has_change_permission(request))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        chosen = form.cleaned_data
        text = create_key(
            project=chosen["project"].name,
            name=chosen["name"],
            scopes=chosen["scopes"],
            expires_at=chosen["expires_at"],
        )
        obj.pk = text.id
        shown = format_html("Copy the key now, it is not shown again: <code>{}</code>", str(text))
        messages.warning(request, shown)

    @display(description="State", label={"live": "success", "revoked": "danger"})
    def state(self, key: ApiKey) -> str:
        return "revoked" if key.revoked_at else "live"

    @admin.action(description="Revoke the selected keys", permissions=("change",))
    def revoke(self, request: HttpRequest, keys: QuerySet[ApiKey]) -> None:
        for key in keys:
            revoke_key(key)
        messages.success(request, f"{len(keys)} revoked; no worker takes them any more within a second.")
