"""Webhooks and what was sent to them."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.decorators import display

from prompts_app.admin_display import STYLES
from prompts_app.history import title
from prompts_app.models import Webhook, WebhookDelivery
from prompts_app.webhook_messages import SIGNATURE, TIMESTAMP
from prompts_app.webhooks import delete_webhook, save_webhook, send_again

COLOURS = {"waiting": "warning", "delivered": "success", "given up": "danger"}


@admin.register(Webhook)
class WebhookAdmin(ModelAdmin):
    list_display = ("url", "description", "active", "created_at")
    list_filter = ("active",)
    search_fields = ("url", "description")
    readonly_fields = ("secret", "signature")

    def get_fields(self, request: HttpRequest, obj: Webhook | None = None) -> tuple[str, ...]:
        """The secret is made when the webhook is saved."""
        return ("url", "description", "active", *(self.readonly_fields if obj else ()))

    def save_model(self, request: HttpRequest, obj: Webhook, form: ModelForm, change: bool) -> None:  # type: ignore[type-arg]
        save_webhook(obj, actor=request.user.get_username(), door="admin")

    def delete_model(self, request: HttpRequest, obj: Webhook) -> None:
        delete_webhook(obj, actor=request.user.get_username(), door="admin")

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[Any, Any, Any, Any]:
        """Nobody deletes a delivery alone; with its webhook it goes."""
        going, counts, forbidden, protected = super().get_deleted_objects(objs, request)
        return going, counts, forbidden - {WebhookDelivery._meta.verbose_name}, protected

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Webhook]) -> None:
        for hook in queryset:
            self.delete_model(request, hook)

    @display(description="how to verify")
    def signature(self, webhook: Webhook) -> str:
        return (
            f"{SIGNATURE} is sha256=<hex HMAC-SHA256 of “timestamp.body” under the secret>, "
            f"the timestamp being {TIMESTAMP} in Unix seconds. Refuse what is older than five minutes."
        )


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ModelAdmin):
    list_display = ("created_at", "what", "webhook", "how", "attempts", "status", "error", "next_at")
    list_filter = ("state", "webhook")
    list_select_related = ("webhook", "change__prompt")
    list_per_page = 50
    actions = ("send_again",)
    fields = (
        "webhook",
        "change",
        "state",
        "attempts",
        "status",
        "error",
        "created_at",
        "next_at",
        "ended_at",
    )

    class Media:
        css = STYLES

    @display(description="change")
    def what(self, delivery: WebhookDelivery) -> str:
        return f"{delivery.change.prompt}: {title(delivery.change)}"

    @display(description="state", label=COLOURS, ordering="state")
    def how(self, delivery: WebhookDelivery) -> str:
        return delivery.state

    @admin.action(description="Send again", permissions=("send",))
    def send_again(self, request: HttpRequest, deliveries: QuerySet[WebhookDelivery]) -> None:
        messages.success(request, f"{send_again(deliveries)} will be sent within seconds.")

    def has_send_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("prompts_app.change_webhook")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
