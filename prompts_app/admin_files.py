"""Prompt files in and out of the admin."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from prompts_app.admin_verbs import EDIT, PUBLISH
from prompts_app.archives import pack, unpack
from prompts_app.changes import By
from prompts_app.exceptions import PromptError
from prompts_app.sync import published_files, sync
from prompts_app.yaml_files import FileInvalid


class UploadForm(forms.Form):
    file = forms.FileField(
        widget=UnfoldAdminFileFieldWidget, help_text="A YAML file, or a zip of <name>/<version>.yaml."
    )
    activate = forms.BooleanField(
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text="Make the highest version of each prompt live, not only of new ones.",
    )
    force = forms.BooleanField(
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text="Overwrite drafts and descriptions that were edited here.",
    )
    why = forms.CharField(required=False, max_length=1000, widget=UnfoldAdminTextInputWidget)


def upload_view(request: HttpRequest, *, site: AdminSite, opts: Any) -> HttpResponse:
    """Brings the files of an upload in, all or nothing."""
    if not (request.user.has_perm(PUBLISH) and request.user.has_perm(EDIT)):
        raise PermissionDenied
    form = UploadForm(request.POST or None, request.FILES or None)
    if form.is_valid():
        try:
            done = _bring_in(request, **form.cleaned_data)
        except (FileInvalid, PromptError) as exc:
            for line in str(exc).splitlines():
                form.add_error("file", line)
        else:
            messages.success(request, "; ".join(done) or "Everything in the file is here already.")
            return redirect("admin:prompts_app_prompt_changelist")
    context = site.each_context(request) | {
        "opts": opts,
        "title": "Upload prompt files",
        "says": "New versions are published and a new prompt goes live. Published versions never change.",
        "form": form,
        "back": reverse("admin:prompts_app_prompt_changelist"),
        "button": "Upload",
        "icon": "upload",
    }
    return TemplateResponse(request, "admin/prompts_app/ask.html", context)


def download(names: list[str] | None = None) -> HttpResponse:
    """The published versions of those prompts, or of all, as a zip."""
    data = pack(published_files(names))
    name = names[0] if names and len(names) == 1 else "prompts"
    disposition = {"Content-Disposition": f'attachment; filename="{name}.zip"'}
    return HttpResponse(data, content_type="application/zip", headers=disposition)


def _bring_in(request: HttpRequest, *, file: Any, activate: bool, force: bool, why: str) -> list[str]:
    by: By = {
        "actor": request.user.get_username(),
        "door": "admin",
        "why": why or f"upload of {file.name}"[:200],
    }
    return sync(unpack(file.read(), name=file.name), by=by, force=force, activate=activate)
