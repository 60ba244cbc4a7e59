"""What people thought of calls."""

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from gateway_app.admin.read_only import ReadOnlyAdmin
from gateway_app.models import Feedback


@admin.register(Feedback)
class FeedbackAdmin(ReadOnlyAdmin):
    list_display = ("updated_at", "name", "value", "comment", "call", "project")
    list_filter = ("name", "kind", "project")
    list_select_related = ("project",)
    search_fields = ("request_id", "comment")
    list_per_page = 50

    @display(description="value")
    def value(self, feedback: Feedback) -> str:
        if feedback.kind == Feedback.Kind.THUMBS:
            return "thumbs up" if feedback.number else "thumbs down"
        return feedback.text or "" if feedback.number is None else f"{feedback.number:g}"

    @display(description="call")
    def call(self, feedback: Feedback) -> SafeString:
        page = reverse("admin:gateway_app_call_changelist")
        return format_html('<a href="{}?q={}">{}</a>', page, feedback.request_id, feedback.request_id)
