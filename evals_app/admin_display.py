"""Pieces that the admin's pages share."""

from collections.abc import Iterable

from django.http import HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from evals_app.models import EvalRun
from evals_app.reporting import kept_report
from evals_app.verdicts import Verdict

STYLES = {"all": ["evals_app/admin.css"]}


GRAVEST_FIRST: tuple[Verdict, ...] = ("worse", "inconclusive", "not worse", "better")


def gravest(verdicts: Iterable[str]) -> str | None:
    """The one to look at first; None where there is none."""
    found = set(verdicts)
    return next((verdict for verdict in GRAVEST_FIRST if verdict in found), None)


def verdict_of(run: EvalRun) -> str | None:
    """The gravest one of its comparisons."""
    report = kept_report(run)
    return gravest(found.verdict for found in report.comparisons) if report else None


def run_link(run_id: int, *, says: str) -> SafeString:
    url = reverse("admin:evals_app_evalrun_change", args=(run_id,))
    return format_html('<a class="eval-link" href="{}">run {}: {}</a>', url, run_id, says)


def attachment(text: str, name: str, kind: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(text, content_type=kind, headers=headers)
