"""Projects and keys, made and revoked through `access`."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms import CharField, ModelForm, MultipleChoiceField
from django.http import HttpRequest
from django.utils.html import format_html
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminTextInputWidget

from gateway_app.access import (
    SCOPES,
    USUAL_SCOPES,
    KeyLimits,
    check_limits,
    create_key,
    revoke_key,
    set_limits,
)
from gateway_app.models import ApiKey, Project

IDENTITY = ("project", "name", "scopes", "expires_at")
LIMITS = tuple(KeyLimits.__annotations__)


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


class Words(CharField):
    """A list of names, written with commas."""

    widget = UnfoldAdminTextInputWidget

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        return [word.strip() for word in (value or "").split(",") if word.strip()]

    def clean(self, value: Any) -> Any:
        words = self.to_python(value)
        self.run_validators(", ".join(words))
        return words


class LimitsForm(ModelForm):  # type: ignore[type-arg]
    """What a key may use. The verb's own rules, said beside the field that breaks them."""

    allowed_models = Words(required=False, help_text="Separated by commas; nothing means all.")
    allowed_prompts = Words(required=False, help_text="Separated by commas; nothing means all.")

    class Meta:
        model = ApiKey
        fields = LIMITS
        labels = {"daily_budget_usd": "Daily budget (USD)", "monthly_budget_usd": "Monthly budget (USD)"}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for name in LIMITS:
            try:
                check_limits({name: cleaned.get(name)})  # type: ignore[misc]
            except ValueError as exc:
                self.add_error(name, str(exc))
        return cleaned

    def limits(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in LIMITS}


class NewKeyForm(LimitsForm):
    """What a person chooses; id and secret are minted."""

    scopes = MultipleChoiceField(
        choices=[(scope, scope) for scope in SCOPES],
        initial=USUAL_SCOPES,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )

    class Meta(LimitsForm.Meta):
        fields = (*IDENTITY, *LIMITS)


@admin.register(ApiKey)
class ApiKeyAdmin(ModelAdmin):
    """Keys are made and revoked; of a living one only the limits change."""

    list_display = ("name", "id", "project", "state", "may", "limits", "created_at", "expires_at")
    list_filter = ("project",)
    search_fields = ("id", "name")
    list_select_related = ("project",)
    actions = ("revoke",)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        kwargs["form"] = NewKeyForm if obj is None else LimitsForm
        return super().get_form(request, obj, change=change, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        facts = IDENTITY if obj is None else (*IDENTITY, "id", "created_at", "revoked_at")
        described = "Empty means no limit. They hold over all workers together."
        return ((None, {"fields": facts}), ("Limits", {"fields": LIMITS, "description": described}))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if obj is None else (*IDENTITY, "id", "created_at", "revoked_at")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        if change:
            set_limits(obj, **form.limits())
            return
        chosen = form.cleaned_data
        text = create_key(
            project=chosen["project"].name,
            name=chosen["name"],
            scopes=chosen["scopes"],
            expires_at=chosen["expires_at"],
            **form.limits(),
        )
        obj.pk = text.id
        shown = format_html("Copy the key now, it is not shown again: <code>{}</code>", str(text))
        messages.warning(request, shown)

    @display(description="Scopes")
    def may(self, key: ApiKey) -> str:
        return ", ".join(key.scopes) or "none"

    @display(description="Limits")
    def limits(self, key: ApiKey) -> str:
        rates = (
            (key.requests_per_minute, "requests/min"),
            (key.tokens_per_minute, "tokens/min"),
            (key.concurrent_requests, "at once"),
        )
        budgets = ((key.daily_budget_usd, "a day"), (key.monthly_budget_usd, "a month"))
        told = [f"{number:,} {unit}" for number, unit in rates if number is not None]
        told += [f"${dollars:,.2f} {span}" for dollars, span in budgets if dollars is not None]
        return ", ".join(told) or "none"

    @display(description="State", label={"live": "success", "revoked": "danger"})
    def state(self, key: ApiKey) -> str:
        return "revoked" if key.revoked_at else "live"

    @admin.action(description="Revoke the selected keys", permissions=("change",))
    def revoke(self, request: HttpRequest, keys: QuerySet[ApiKey]) -> None:
        for key in keys:
            revoke_key(key)
        messages.success(request, f"{len(keys)} revoked; no worker takes them any more within a second.")
