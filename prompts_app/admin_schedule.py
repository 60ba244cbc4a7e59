"""Planning a change for later, and what is planned, on a prompt's page."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from prompts_app.admin_display import signed
from prompts_app.admin_forms import CODE, WHY, OptionalJSON
from prompts_app.admin_verbs import PUBLISH, live_in_words, page_of
from prompts_app.changes import By
from prompts_app.exceptions import PromptError
from prompts_app.models import Prompt, PromptVersion, ScheduledChange
from prompts_app.scheduling import cancel_change, schedule_change

LATE = timedelta(minutes=1)
RECENT = timedelta(days=7)
"""So long a refused change stays on the page."""


class ScheduleForm(forms.Form):
    action = forms.ChoiceField(choices=ScheduledChange.Action.choices, widget=UnfoldAdminSelectWidget)
    version = forms.ChoiceField(
        required=False, widget=UnfoldAdminSelectWidget, help_text="A draft is published before it goes live."
    )
    split = OptionalJSON(
        required=False,
        widget=UnfoldAdminTextInputWidget(CODE),
        help_text='To split traffic: whole percents such as {"v1": 90, "v2": 10}.',
    )
    at = forms.DateTimeField(
        label="At (UTC)",
        widget=UnfoldAdminTextInputWidget({"type": "datetime-local"}),
        help_text="Every worker follows within a few seconds.",
    )
    why = forms.CharField(required=False, max_length=1000, help_text=WHY, widget=UnfoldAdminTextInputWidget)
    expected_revision = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, prompt: Prompt, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = prompt.versions.exclude(status=PromptVersion.Status.ARCHIVED).order_by("-id")
        version = self.fields["version"]
        assert isinstance(version, forms.ChoiceField)
        version.choices = [(row.label, f"{row.label} · {row.status}") for row in rows]
        self.fields["expected_revision"].initial = prompt.revision

    def clean_split(self) -> dict[str, Any]:
        split = self.cleaned_data["split"] or {}
        if not isinstance(split, dict):
            raise forms.ValidationError('Write the split as {"v1": 90, "v2": 10}.')
        return split

    def plan(self) -> dict[str, Any]:
        """The arguments of `schedule_change`: of version and split, the one that the action needs."""
        sent = self.cleaned_data
        unused = "version" if sent["action"] == ScheduledChange.Action.SPLIT else "split"
        return {name: value for name, value in sent.items() if name != unused}


def schedule_view(request: HttpRequest, prompt: Prompt, *, site: AdminSite, opts: Any) -> HttpResponse:
    if not request.user.has_perm(PUBLISH):
        raise PermissionDenied
    form = ScheduleForm(prompt, request.POST or None, initial={"version": request.GET.get("version")})
    if form.is_valid():
        try:
            actor = request.user.get_username()
            change = schedule_change(prompt=prompt.name, actor=actor, door="admin", **form.plan())
        except PromptError as exc:
            form.add_error(None, str(exc))
        else:
            messages.success(request, f"{in_words(change)} is planned for {change.at:%-d %b %Y, %H:%M} UTC.")
            return redirect(page_of(prompt))
    context = site.each_context(request) | {
        "opts": opts,
        "title": f"Schedule a change of {prompt.name}",
        "original": prompt,
        "says": f"Now live: {live_in_words(prompt.active_version, prompt.traffic_split)}.",
        "form": form,
        "back": page_of(prompt),
        "button": "Schedule",
        "icon": "schedule",
    }
    return TemplateResponse(request, "admin/prompts_app/ask.html", context)


def cancel_view(request: HttpRequest, prompt: Prompt, change: int) -> HttpResponse:
    if not request.user.has_perm(PUBLISH) or request.method != "POST":
        raise PermissionDenied
    by: By = {"actor": request.user.get_username(), "door": "admin"}
    try:
        row = cancel_change(prompt=prompt.name, change=change, **by)
        messages.success(request, f"{in_words(row)} is cancelled.")
    except PromptError as exc:
        messages.error(request, str(exc))
    return redirect(page_of(prompt))


def scheduled_rows(prompt: Prompt) -> list[dict[str, Any]]:
    """What waits, and what was refused lately."""
    now = timezone.now()
    states = ScheduledChange.State
    waiting = prompt.scheduled.filter(state=states.WAITING)
    refused = prompt.scheduled.filter(state=states.REFUSED, ended_at__gte=now - RECENT)
    return [
        {
            "row": change,
            "what": in_words(change),
            "waiting": change.state == states.WAITING,
            "late": change.state == states.WAITING and change.at < now - LATE,
            "signed": signed(change.author, change.created_at),
        }
        for change in waiting.union(refused).order_by("at", "id")
    ]


def in_words(change: ScheduledChange) -> str:
    what = live_in_words(None, change.split) if change.split else change.version
    return f"{change.get_action_display()} {what}"
