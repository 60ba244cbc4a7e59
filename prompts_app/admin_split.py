"""Splitting traffic without writing JSON: a percentage beside each version."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget

from prompts_app import services
from prompts_app.admin_display import pin_warning
from prompts_app.admin_forms import WHY
from prompts_app.admin_verbs import PUBLISH, live_in_words, page_of
from prompts_app.changes import By
from prompts_app.exceptions import ChangeRefused, PromptError
from prompts_app.models import Prompt, PromptVersion

PREFIX = "share-"
SHOWN = 12
"""The newest published versions, and those that have a share already."""


class SplitForm(forms.Form):
    why = forms.CharField(required=False, max_length=1000, help_text=WHY, widget=UnfoldAdminTextInputWidget)
    seen_revision = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, prompt: Prompt, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        shares = _shares(prompt)
        for label in _choices(prompt, shares):
            self.fields[PREFIX + label] = forms.IntegerField(
                label=f"{label} %",
                required=False,
                min_value=0,
                max_value=100,
                initial=shares.get(label, 0),
                widget=UnfoldAdminIntegerFieldWidget,
            )
        self.fields["seen_revision"].initial = prompt.revision
        self.order_fields([name for name in self.fields if name.startswith(PREFIX)])

    def split(self) -> dict[str, int]:
        """Version -> percent, of those that get any."""
        shares = {name: self.cleaned_data[name] for name in self.fields if name.startswith(PREFIX)}
        return {name.removeprefix(PREFIX): percent for name, percent in shares.items() if percent}


def split_view(request: HttpRequest, prompt: Prompt, *, site: AdminSite, opts: Any) -> HttpResponse:
    """One version with everything is made live; several share the traffic."""
    if not request.user.has_perm(PUBLISH):
        raise PermissionDenied
    form = SplitForm(prompt, request.POST or None)
    if form.is_valid():
        try:
            _direct(prompt, form, actor=request.user.get_username())
        except PromptError as exc:
            form.add_error(None, str(exc))
        else:
            messages.success(request, "Split. Every worker follows within a second.")
            return redirect(page_of(prompt))
    context = site.each_context(request) | {
        "opts": opts,
        "title": f"Split the traffic of {prompt.name}",
        "original": prompt,
        "script": "prompts_app/split.js",
        "says": pin_warning(prompt)
        or f"Now live: {live_in_words(prompt.active_version, prompt.traffic_split)}.",
        "form": form,
        "back": page_of(prompt),
        "button": "Split traffic",
        "icon": "call_split",
    }
    return TemplateResponse(request, "admin/prompts_app/ask.html", context)


def _direct(prompt: Prompt, form: SplitForm, *, actor: str) -> None:
    sent = form.cleaned_data
    by: By = {"actor": actor, "door": "admin", "why": sent["why"], "expected_revision": sent["seen_revision"]}
    split = form.split()
    if list(split.values()) == [100]:
        services.activate_version(prompt=prompt.name, version=next(iter(split)), **by)
    elif split:
        services.set_split(prompt=prompt.name, split=split, **by)
    else:
        raise ChangeRefused("the shares sum up to 0, not to 100")


def _shares(prompt: Prompt) -> Mapping[str, int]:
    if prompt.traffic_split:
        return prompt.traffic_split  # type: ignore[no-any-return]
    return {prompt.active_version.label: 100} if prompt.active_version else {}


def _choices(prompt: Prompt, shares: Mapping[str, int]) -> list[str]:
    published = prompt.versions.filter(status=PromptVersion.Status.PUBLISHED).order_by("-id")
    labels = list(published.values_list("label", flat=True))
    return [label for number, label in enumerate(labels) if number < SHOWN or label in shares]
