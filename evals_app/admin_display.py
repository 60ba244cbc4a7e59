"""Pieces that the admin's pages share."""

from django.http import HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from evals_app.models import EvalRun
from evals_app.reporting import kept_report

STYLES = {"all": ["evals_app/admin.css"]}


def verdict_of(run: EvalRun) -> str | None:
    """Of the first version that is compared; None while there is none."""
    report = kept_report(run)
    return report.comparisons[0].verdict if report and report.comparisons else None


def run_link(run_id: int, *, says: str) -> SafeString:
    url = reverse("admin:evals_app_evalrun_change", args=(run_id,))
    return format_html('<a class="eval-link" href="{}">run {}: {}</a>', url, run_id, says)


def attachment(text: str, name: str, kind: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(text, content_type=kind, headers=headers)
