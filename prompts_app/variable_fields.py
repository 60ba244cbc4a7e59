"""A form for a prompt's variables, made of their JSON Schema."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from prompts_app.admin_forms import CODE
from prompts_app.content import VersionContent
from prompts_app.exceptions import PromptError

PREFIX = "variable-"
Rule = Mapping[str, Any]


def variables_form(contents: Iterable[VersionContent]) -> forms.Form:
    """A field for every variable that any version knows; the first version that declares one shapes it.

    `data-kind` tells the page what the text stands for: `text`, `number`, or `json` for the rest.
    """
    rules: dict[str, Rule] = {}
    for content in contents:
        for name, rule in _rules(content).items():
            rules[name] = rules.get(name) or rule
    form = forms.Form()
    form.fields.update({PREFIX + name: _field(name, rule) for name, rule in rules.items()})
    return form


def known_variables(content: VersionContent) -> list[str]:
    """Sorted; none where the version's schema is broken."""
    return sorted(_rules(content))


def optional_variables(content: VersionContent) -> list[str]:
    try:
        return sorted(content.schema.known - (content.schema.needed - content.schema.defaults.keys()))
    except PromptError:
        return []


def _rules(content: VersionContent) -> dict[str, Rule]:
    properties = content.variables.get("properties", {})
    try:
        known = content.schema.known
    except PromptError:
        return {}
    declared = {name: rule if isinstance(rule, Mapping) else {} for name, rule in properties.items()}
    return declared | {name: {} for name in sorted(known - declared.keys())}


def _field(name: str, rule: Rule) -> forms.Field:
    kind, widget = _widget(rule)
    widget.attrs |= {"data-variable": name, "data-kind": kind}
    default = rule.get("default")
    return forms.Field(
        label=name,
        required=False,
        help_text=str(rule.get("description", "")),
        initial=default if kind != "json" or default is None else json.dumps(default, ensure_ascii=False),
        widget=widget,
    )


def _widget(rule: Rule) -> tuple[str, forms.Widget]:
    if values := [True, False] if rule.get("type") == "boolean" else rule.get("enum"):
        choices = [(json.dumps(value, ensure_ascii=False), _shown(value)) for value in values]
        return "json", UnfoldAdminSelectWidget(choices=[("", "—"), *choices])
    match rule.get("type", "string"):
        case "string":
            return "text", UnfoldAdminTextareaWidget({"rows": 2})
        case "integer" | "number":
            return "number", UnfoldAdminTextInputWidget({"inputmode": "decimal"})
        case _:
            return "json", UnfoldAdminTextareaWidget(CODE | {"rows": 3})


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
