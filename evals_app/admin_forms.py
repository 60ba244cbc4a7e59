"""The forms of datasets and runs. They read and explain; saving is the business of the verbs."""

from collections.abc import Sequence
from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from evals_app import dataset_files
from evals_app.datasets import DatasetContent
from evals_app.exceptions import DatasetInvalid
from evals_app.models import Dataset

TEMPLATE = """\
name: my-dataset
prompt: summarizer
description: What these cases are, and where they come from.
primary: score
margin: 0.05
evaluators:
- kind: contains_all
  name: facts
  expected: facts
  threshold: 0.75
- kind: length
  at_most: 120
cases:
- key: first-case
  variables:
    text: The text to summarize.
  expected:
    facts: [text]
  critical: true
"""
CODE = {"class": "eval-code", "rows": 32, "spellcheck": "false"}


class DatasetForm(forms.ModelForm):  # type: ignore[type-arg]
    """A dataset as one YAML text."""

    text = forms.CharField(
        label="Dataset",
        widget=UnfoldAdminTextareaWidget(CODE),
        strip=False,
        help_text="YAML, as export_dataset writes it. Saving makes the next version; runs keep theirs.",
    )
    why = forms.CharField(required=False, max_length=1000, widget=UnfoldAdminTextInputWidget())

    class Meta:
        model = Dataset
        fields: tuple[str, ...] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        newest = self.instance.versions.first() if self.instance.pk else None
        self.initial["text"] = dataset_files.to_yaml(newest.content) if newest else TEMPLATE

    def clean_text(self) -> DatasetContent:
        try:
            content = dataset_files.from_yaml(self.cleaned_data["text"].replace("\r\n", "\n"))
        except DatasetInvalid as exc:
            raise forms.ValidationError(str(exc)) from exc
        if self.instance.pk and content.name != self.instance.name:
            raise forms.ValidationError(
                f"the name stays {self.instance.name}: another name is another dataset"
            )
        if not self.instance.pk and Dataset.objects.filter(name=content.name).exists():
            raise forms.ValidationError(f"there is a dataset {content.name} already: open it to change it")
        return content


class RunForm(forms.Form):
    """What a run over one dataset asks for; whether it can be is for the verb to say."""

    dataset = forms.CharField(widget=forms.HiddenInput())
    baseline = forms.ChoiceField(
        widget=UnfoldAdminSelectWidget(), help_text="What the others are compared with."
    )
    candidates = forms.MultipleChoiceField(
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        help_text="Drafts, too. Without any, the baseline is measured and not compared.",
    )
    repeats = forms.IntegerField(
        initial=1, widget=UnfoldAdminIntegerFieldWidget(), help_text="How often each case is asked."
    )
    concurrency = forms.IntegerField(
        initial=8, widget=UnfoldAdminIntegerFieldWidget(), help_text="Questions that are open at a time."
    )
    cap_usd = forms.DecimalField(
        label="Cap", widget=UnfoldAdminDecimalFieldWidget(), help_text="USD. The run stops when it is spent."
    )
    model = forms.CharField(
        required=False, widget=UnfoldAdminTextInputWidget(), help_text="Empty: the versions' own."
    )

    def __init__(self, versions: Sequence[tuple[str, str]], *args: Any, **kwargs: Any) -> None:
        """`versions`: label, and what the choice says."""
        super().__init__(*args, **kwargs)
        for name in ("baseline", "candidates"):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = list(versions)

    def asked(self) -> dict[str, Any]:
        """The arguments of `services.plan_run`."""
        said = dict(self.cleaned_data)
        baseline, candidates = said.pop("baseline"), said.pop("candidates")
        return said | {"versions": [baseline, *(label for label in candidates if label != baseline)]}
