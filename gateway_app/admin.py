"""The ledger, read-only; projects and keys, made and revoked through `access`."""

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
from gateway_app.models import ApiKey, Call, Project

LABELS = {"ok": "success", "error": "danger", "cancelled": "warning"}


class ReadOnlyAdmin(ModelAdmin):
    """To look at, not to change."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Call)
class CallAdmin(ReadOnlyAdmin):
    list_display = (
        "created_at",
        "asked",
        "model",
        "answered",
        "cache",
        "tokens",
        "cost",
        "latency",
        "request_id",
    )
    list_filter = (
        "outcome",
        "cache",
        "prompt_name",
        "prompt_version",
        "model",
        "surface",
        "project",
        "error_code",
    )
    search_fields = ("request_id",)
    search_help_text = "a request id"
    date_hierarchy = "created_at"
    list_per_page = 50
    list_select_related = ("project",)
    show_full_result_count = False
    fieldsets = (
        (None, {"fields": (("request_id", "created_at"), ("project", "key"), ("surface", "streamed"))}),
        (
            "Asked",
            {"fields": (("prompt_name", "prompt_version", "phase"), ("model", "temperature", "max_tokens"))},
        ),
        (
            "Answered",
            {"fields": (("outcome", "error_code", "finish_reason"), ("provider", "model_served", "cache"))},
        ),
        (
            "Tokens and cost",
            {
                "fields": (
                    ("input_tokens", "cached_tokens"),
                    ("output_tokens", "thinking_tokens", "total_tokens"),
                    ("cost_usd", "saved_usd"),
                )
            },
        ),
        ("Time", {"fields": (("latency_ms", "time_to_first_token_ms", "upstream_ms"), "attempts")}),
    )

    @display(description="Prompt", ordering="prompt_name")
    def asked(self, call: Call) -> str:
        return f"{call.prompt_name} {call.prompt_version or ''}" if call.prompt_name else "—"

    @display(description="Outcome", label=LABELS, ordering="outcome")
    def answered(self, call: Call) -> tuple[str, str]:
        return call.outcome, call.error_code or call.outcome

    @display(description="Tokens", ordering="total_tokens")
    def tokens(self, call: Call) -> int:
        return call.total_tokens

    @display(description="Cost", ordering="cost_usd")
    def cost(self, call: Call) -> str:
        return "unknown" if call.cost_usd is None else f"${call.cost_usd:.6f}"

    @display(description="Latency", ordering="latency_ms")
    def latency(self, call: Call) -> str:
        return f"{call.latency_ms:,.0f} ms" if call.latency_ms >= 10 else f"{call.latency_ms:.1f} ms"


@admin.register(Project)
class ProjectAdmin(ModelAdmin):
    list_display = ("name", "created_at")
    search_fields = ("name",)


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
