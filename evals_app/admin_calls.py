"""Pages that make cases of calls: of one, and of a sample."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from evals_app import services
from evals_app.call_cases import Sample, add_call, add_calls, case_of, usable_call
from evals_app.exceptions import CallUnusable, EvalError
from evals_app.models import Dataset
from gateway_app.kept_calls import CallFilter, KeptCall
from prompts_app.admin_forms import StorableJSON

NEEDS = ("evals_app.change_dataset", "gateway_app.view_callcontent")
"""What is said in calls is not for everybody who may edit datasets."""
CODE = {"class": "eval-code", "rows": 5, "spellcheck": "false"}
DAY = UnfoldAdminTextInputWidget({"type": "date"})


class OptionalJSON(StorableJSON):
    def prepare_value(self, value: Any) -> Any:
        return "" if value is None else super().prepare_value(value)


class AddCallForm(forms.Form):
    dataset = forms.ModelChoiceField(
        Dataset.objects.none(), to_field_name="name", empty_label=None, widget=UnfoldAdminSelectWidget()
    )
    key = forms.CharField(max_length=100, widget=UnfoldAdminTextInputWidget(), help_text="Names the case.")
    expected = OptionalJSON(
        required=False,
        widget=UnfoldAdminTextareaWidget(CODE),
        help_text="JSON, as the dataset's evaluators want it. Empty: nothing is expected.",
        error_messages={"invalid": 'This needs JSON, such as {"facts": ["12 May"]}.'},
    )
    tags = forms.CharField(
        required=False, widget=UnfoldAdminTextInputWidget(), help_text="Separated by commas."
    )
    critical = forms.BooleanField(
        required=False,
        widget=UnfoldBooleanSwitchWidget(),
        help_text="A version that fails it where the baseline passes is worse, whatever its average.",
    )

    def __init__(self, fitting: QuerySet[Dataset], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["dataset"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = fitting

    def said(self) -> dict[str, Any]:
        """The arguments of `add_call`."""
        sent = self.cleaned_data
        tags = tuple(tag.strip() for tag in sent["tags"].split(",") if tag.strip())
        return sent | {"dataset": sent["dataset"].name, "tags": tags}


class SampleForm(forms.Form):
    version = forms.CharField(
        required=False, widget=UnfoldAdminTextInputWidget(), help_text="Of the prompt. Empty: any."
    )
    outcome = forms.ChoiceField(
        required=False,
        choices=[("", "any"), ("ok", "ok"), ("error", "error"), ("cancelled", "cancelled")],
        widget=UnfoldAdminSelectWidget(),
    )
    feedback = forms.CharField(
        required=False,
        widget=UnfoldAdminTextInputWidget(),
        help_text="Only calls with a feedback of this name.",
    )
    below = forms.FloatField(
        required=False,
        widget=UnfoldAdminDecimalFieldWidget(),
        help_text="Only calls with a feedback under this number; a thumb down is 0, one up is 1.",
    )
    since = forms.DateField(required=False, widget=DAY)
    until = forms.DateField(required=False, widget=DAY, help_text="Without that day. UTC.")
    count = forms.IntegerField(
        required=False, min_value=1, widget=UnfoldAdminIntegerFieldWidget(), help_text="So many calls,"
    )
    percent = forms.FloatField(
        required=False,
        min_value=0,
        max_value=100,
        widget=UnfoldAdminDecimalFieldWidget(),
        help_text="or so many percent of those that fit.",
    )
    seed = forms.IntegerField(
        initial=0, widget=UnfoldAdminIntegerFieldWidget(), help_text="The same seed draws the same calls."
    )

    def which(self, prompt: str) -> CallFilter:
        sent = self.cleaned_data
        known = {name: sent[name] for name in ("version", "outcome", "feedback", "below")}
        known |= {name: _midnight(sent[name]) for name in ("since", "until")}
        return CallFilter(prompt=prompt, **known)

    def sample(self) -> Sample:
        return Sample(**{name: self.cleaned_data[name] for name in ("count", "percent", "seed")})


def add_call_view(request: HttpRequest, call: UUID, *, site: AdminSite, opts: Any) -> HttpResponse:
    _check(request)
    try:
        kept = usable_call(call)
        usual = case_of(kept)
    except CallUnusable as exc:
        back = reverse("admin:gateway_app_call_change", args=[call])
        return _page(request, site, opts, title="Add this call to a dataset", refusal=str(exc), back=back)
    form = AddCallForm(_fitting(kept), request.POST or None, initial={"key": usual.key} | request.GET.dict())
    if form.is_valid():
        try:
            saved = add_call(call, **form.said(), actor=request.user.get_username())
        except EvalError as exc:
            form.add_error(None, str(exc))
        else:
            messages.success(request, f"The call is in {saved} now.")
            return redirect("admin:evals_app_dataset_change", saved.dataset_id)
    return _page(
        request,
        site,
        opts,
        title="Add this call to a dataset",
        form=form,
        call=kept,
        back=reverse("admin:gateway_app_call_change", args=[call]),
        button="Add to the dataset",
    )


def sample_view(request: HttpRequest, dataset: Dataset, *, site: AdminSite, opts: Any) -> HttpResponse:
    _check(request)
    newest = services.newest_version(dataset.name)
    form = SampleForm(request.POST or None)
    if form.is_valid():
        try:
            which, sample = form.which(newest.prompt), form.sample()
            added = add_calls(dataset.name, which, sample, actor=request.user.get_username())
        except EvalError as exc:
            form.add_error(None, str(exc))
        else:
            messages.success(request, f"{added}.")
            return redirect("admin:evals_app_dataset_change", dataset.pk)
    says = (
        f"Calls of {newest.prompt} whose words were kept become cases of a next version of {dataset}. "
        "What it asks already is left out. What is expected of an answer is for you to add."
    )
    back = reverse("admin:evals_app_dataset_change", args=[dataset.pk])
    title = f"Add calls to {dataset}"
    return _page(request, site, opts, title=title, says=says, form=form, back=back, button="Add calls")


def _midnight(day: date | None) -> datetime | None:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) if day else None


def _check(request: HttpRequest) -> None:
    if not request.user.has_perms(NEEDS):
        raise PermissionDenied


def _fitting(call: KeptCall) -> QuerySet[Dataset]:
    """Those about the call's prompt; for a call without one, all."""
    if call.prompt is None:
        return Dataset.objects.all()
    fitting = [row.dataset_id for row in services.newest_versions(call.prompt)]
    return Dataset.objects.filter(pk__in=fitting)


def _page(request: HttpRequest, site: AdminSite, opts: Any, **shown: Any) -> TemplateResponse:
    context = site.each_context(request) | {"opts": opts, **shown}
    return TemplateResponse(request, "admin/evals_app/ask.html", context)
