"""The ledger's list, and each call explained."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display
from unfold.paginator import InfinitePaginator

from gateway_app.admin.call_list import CallList
from gateway_app.admin.call_page import CONTENT, call_page
from gateway_app.admin.filters import FILTERS
from gateway_app.admin.read_only import ReadOnlyAdmin
from gateway_app.admin.set_aside import shelf
from gateway_app.figures import NONE, dollars, milliseconds, thousands
from gateway_app.models import Call, CallContent

LABELS = {"ok": "success", "error": "danger", "cancelled": "warning"}


@admin.register(Call)
class CallAdmin(ReadOnlyAdmin):
    """Made for millions of rows: nothing here counts them or looks for their different values."""

    list_display = (
        "at",
        "asked",
        "model",
        "by",
        "answered",
        "cached",
        "tokens",
        "cost",
        "latency",
        "identified",
    )
    list_filter = FILTERS
    list_filter_submit = False
    search_fields = ("request_id",)
    search_help_text = "a whole request id"
    list_per_page = 50
    paginator = InfinitePaginator
    show_full_result_count = False
    ordering = ("-created_at",)
    change_form_outer_before_template = "admin/gateway_app/call.html"

    class Media:
        css = {"all": ["gateway_app/admin.css"]}

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[CallList]:
        return CallList

    def get_urls(self) -> list[URLPattern]:
        guarded = self.admin_site.admin_view
        return [
            path("<uuid:pk>/input/", guarded(self.input_view), name="gateway_app_call_input"),
            path("set-aside/", guarded(self.set_aside_view), name="gateway_app_call_set_aside"),
            *super().get_urls(),
        ]

    def set_aside_view(self, request: HttpRequest) -> HttpResponse:
        """Entries that could not be read; they may hold what was said."""
        if not request.user.has_perm(CONTENT):
            raise PermissionDenied
        context = self.admin_site.each_context(request) | {
            "title": "Entries set aside",
            "opts": self.opts,
            "shelf": shelf(),
        }
        return TemplateResponse(request, "admin/gateway_app/set_aside.html", context)

    def input_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """The variables of a call whose content is kept."""
        if not request.user.has_perm(CONTENT):
            raise PermissionDenied
        kept = get_object_or_404(CallContent, pk=pk, variables__isnull=False)
        return JsonResponse({"variables": kept.variables})

    def get_fieldsets(self, request: HttpRequest, obj: Call | None = None) -> Any:
        return []

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Call], search_term: str
    ) -> tuple[QuerySet[Call], bool]:
        """By the whole id, which has an index; Django's own search would read every row."""
        return (queryset.filter(request_id=search_term.strip()) if search_term else queryset), False

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        page = {"page": call_page(row, request.user), "title": "Call"} if row else {}
        response: HttpResponse = super().change_view(
            request, object_id, form_url, (extra_context or {}) | page
        )
        return response

    @display(description="At (UTC)")
    def at(self, call: Call) -> str:
        return f"{call.created_at:%-d %b %H:%M:%S}"

    @display(description="Cache")
    def cached(self, call: Call) -> str:
        return (call.cache or NONE).lower()

    @display(description="Request id")
    def identified(self, call: Call) -> SafeString:
        return format_html('<span class="ledger-id" title="{0}">{0}</span>', call.request_id)

    @display(description="Tokens")
    def tokens(self, call: Call) -> str:
        return thousands(call.total_tokens)

    @display(description="Prompt")
    def asked(self, call: Call) -> str:
        return f"{call.prompt_name} {call.prompt_version or ''}" if call.prompt_name else NONE

    @display(description="Key")
    def by(self, call: Call) -> str:
        return call.key_name or NONE

    @display(description="Outcome", label=LABELS)
    def answered(self, call: Call) -> tuple[str, str]:
        return call.outcome, call.error_code or call.outcome

    @display(description="Cost")
    def cost(self, call: Call) -> str:
        if call.cost_usd is None:
            return "unknown" if call.total_tokens else NONE
        return dollars(call.cost_usd)

    @display(description="Latency")
    def latency(self, call: Call) -> str:
        return milliseconds(call.latency_ms)
