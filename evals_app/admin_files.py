"""Pages that bring dataset files in."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.widgets import UnfoldAdminSelectWidget

from evals_app.dataset_files import MAX_BYTES
from evals_app.exceptions import EvalError
from evals_app.importing import import_file, import_new
from evals_app.models import Dataset

HOW = (("replace", "take the place of all cases"), ("add", "are added; those with a known key replace it"))


FILE = forms.ClearableFileInput({"class": "eval-file"})


class UploadForm(forms.Form):
    file = forms.FileField(widget=FILE, help_text="YAML: a whole dataset. At most 64 MB.")

    def clean_file(self) -> Any:
        if self.cleaned_data["file"].size > MAX_BYTES:
            raise forms.ValidationError("The file is larger than 64 MB.")
        return self.cleaned_data["file"]


class CasesForm(UploadForm):
    how = forms.ChoiceField(
        label="Its cases", choices=HOW, widget=UnfoldAdminSelectWidget(), help_text="Saved as a next version."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["file"].help_text = "YAML, JSON Lines or CSV, as this page exports them. At most 64 MB."


def import_view(request: HttpRequest, dataset: Dataset | None, *, site: AdminSite, opts: Any) -> HttpResponse:
    """Into `dataset`, or as a new one."""
    if not request.user.has_perm("evals_app.change_dataset" if dataset else "evals_app.add_dataset"):
        raise PermissionDenied
    kind = CasesForm if dataset else UploadForm
    form = kind(request.POST, request.FILES) if request.method == "POST" else kind()
    if form.is_valid():
        file, actor = form.cleaned_data["file"], request.user.get_username()
        try:
            if dataset:
                add = form.cleaned_data["how"] == "add"
                saved = import_file(file.name, file.read(), dataset=dataset.name, add=add, actor=actor)
            else:
                saved = import_new(file.name, file.read(), actor=actor)
        except EvalError as exc:
            form.add_error("file", str(exc))
        else:
            messages.success(request, f"{saved} has {saved.cases.count()} cases.")
            return redirect("admin:evals_app_dataset_change", saved.dataset_id)
    back = (
        reverse("admin:evals_app_dataset_change", args=[dataset.pk])
        if dataset
        else reverse("admin:evals_app_dataset_changelist")
    )
    context = site.each_context(request) | {
        "opts": opts,
        "title": f"Import cases into {dataset}" if dataset else "Import a dataset",
        "form": form,
        "back": back,
        "button": "Import",
    }
    return TemplateResponse(request, "admin/evals_app/ask.html", context)
