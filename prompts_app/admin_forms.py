"""The admin's forms. They read and explain; saving is the business of the verbs."""

import json
from contextlib import suppress
from typing import Any

from django import forms
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.forms.fields import InvalidJSONInput
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from prompts_app.changes import By
from prompts_app.content import FIELDS, VersionContent, from_json, is_storable, texts_in
from prompts_app.json_parser import DEEPEST, too_deep
from prompts_app.models import Prompt, PromptVersion

CODE = {"class": "prompt-code", "spellcheck": "false"}
EMPTY: dict[str, Any] = {"messages": [], "parameters": {}, "variables": {}, "response_schema": None}
WHY = "Goes into the history, beside your name."


class IndentedJSON(json.JSONEncoder):
    def __init__(self, **options: Any) -> None:
        super().__init__(**options | {"indent": 2})


class StorableJSON(forms.JSONField):
    """JSON that Postgres can store; what it cannot is shown again as it was typed."""

    def to_python(self, value: Any) -> Any:
        with suppress(ValueError, RecursionError):  # thousands of digits, thousands of levels
            parsed = super().to_python(value)
            if _storable(parsed):
                return parsed
        raise forms.ValidationError(
            "Holds what cannot be stored: a NUL, half a surrogate pair, a number that is none or far too long"
            f", or more than {DEEPEST} levels."
        )

    def bound_data(self, data: Any, initial: Any) -> Any:
        with suppress(ValueError, RecursionError):
            shown = super().bound_data(data, initial)
            if _storable(shown):
                return shown
        return InvalidJSONInput(data)


class OptionalJSON(StorableJSON):
    """JSON on several lines; what is empty is an empty box."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options | {"encoder": IndentedJSON})

    def prepare_value(self, value: Any) -> Any:
        return super().prepare_value(value) if value else ""


def _storable(value: Any) -> bool:
    with suppress(ValueError, RecursionError):
        json.dumps(value, allow_nan=False)
        return not too_deep(value) and all(map(is_storable, texts_in(value)))
    return False


class WhyForm(forms.Form):
    """What a change that needs no other input asks for, and which revision its user saw."""

    why = forms.CharField(
        required=False, max_length=1000, help_text=WHY, widget=UnfoldAdminTextInputWidget({"autofocus": True})
    )
    seen_revision = forms.IntegerField(required=False, widget=forms.HiddenInput)


class VerbForm(forms.ModelForm):  # type: ignore[type-arg]
    """Remembers which revision its user saw, and shows what a verb refused with all that was typed."""

    refusal: str = ""

    why = forms.CharField(required=False, max_length=1000, help_text=WHY, widget=UnfoldAdminTextInputWidget)
    seen_revision = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        revision = getattr(self.instance, "revision", None)
        self.fields["seen_revision"].initial = revision
        if self.refusal and self.is_bound:
            # Whoever has read what changed meanwhile may save again, now knowingly.
            sent = self.data.copy()  # type: ignore[attr-defined]
            sent["seen_revision"] = str(revision)
            self.data = sent
        for field in self.fields.values():
            if isinstance(field.widget, RelatedFieldWidgetWrapper):
                field.widget = field.widget.widget

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if self.refusal:
            self.add_error(None, self.refusal)
        return cleaned

    def changed(self, field: str) -> bool:
        """Whether the user sent another value; a field that was not sent has not changed."""
        return field in self.data and field in self.changed_data

    def by(self, user: AbstractBaseUser | AnonymousUser) -> By:
        return {
            "actor": user.get_username(),
            "door": "admin",
            "why": self.cleaned_data["why"],
            "expected_revision": self.cleaned_data["seen_revision"],
        }


class PromptForm(VerbForm):
    class Meta:
        model = Prompt
        fields = ("name", "description", "active_version", "traffic_split")
        field_classes = {"traffic_split": StorableJSON}
        widgets = {
            "description": UnfoldAdminTextareaWidget({"rows": 2}),
            "traffic_split": UnfoldAdminTextInputWidget(CODE),
        }
        help_texts = {
            "name": "What callers use: a-z, 0-9, _ and -. It cannot change later.",
            "active_version": "Answers every call while the traffic split is empty.",
            "traffic_split": 'Whole percents that sum up to 100, such as {"v1": 90, "v2": 10}; '
            "empty sends everything to the active version.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if active := self.fields.get("active_version"):
            assert isinstance(active, forms.ModelChoiceField)
            active.queryset = PromptVersion.objects.filter(
                prompt=self.instance, status=PromptVersion.Status.PUBLISHED
            )
            if self.instance.active_version_id:
                active.required, active.empty_label = "active_version" in (self.data or ()), None

    def clean_traffic_split(self) -> dict[str, Any]:
        split = self.cleaned_data["traffic_split"] or {}
        if not isinstance(split, dict):
            raise forms.ValidationError('Write the split as {"v1": 90, "v2": 10}.')
        return split


class VersionForm(VerbForm):
    class Meta:
        model = PromptVersion
        fields = ("prompt", "label", *FIELDS)
        labels = {"label": "Version", "variables": "Variables (JSON Schema)", "messages": "Examples"}
        widgets = {
            "system": UnfoldAdminTextareaWidget(CODE | {"rows": 10}),
            "user": UnfoldAdminTextareaWidget(CODE | {"rows": 10}),
            "notes": UnfoldAdminTextareaWidget({"rows": 3}),
            **{name: UnfoldAdminTextareaWidget(CODE | {"rows": 5}) for name in EMPTY},
        }
        field_classes = dict.fromkeys(EMPTY, OptionalJSON)
        help_texts = {
            "system": "Who the model is and how it works. {{variable}} is replaced by the caller's value, "
            "{{> prompt}} by another prompt's live text.",
            "user": "What is asked of it.",
            "messages": 'Earlier turns: [{"role": "user", "content": "…"}, …], answered by "assistant".',
            "model": "Empty: the caller or the gateway chooses.",
            "parameters": "temperature, max_tokens, top_p, stop, seed, thinking_budget, json_mode, "
            "safety_settings",
            "variables": "Empty: every {{variable}} is required, of any type. A default makes one optional.",
            "response_schema": "JSON Schema that the reply must fit; empty: free text.",
            "notes": "What is new in this version and what it is meant to improve.",
        }

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or {}
        return cleaned | {name: EMPTY[name] for name in EMPTY if name in cleaned and cleaned[name] is None}

    def content(self) -> VersionContent:
        """What was stored under what was sent. Raises `ChangeRefused` for JSON of the wrong shape."""
        stored = {name: self.initial[name] for name in FIELDS if name in self.initial}
        sent = {name: self.cleaned_data[name] for name in FIELDS if name in self.data}
        return from_json(stored | sent)
