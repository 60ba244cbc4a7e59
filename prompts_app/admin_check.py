"""What the editor tells while one types: the same rules as when one saves and publishes."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from prompts_app import services
from prompts_app.admin_forms import VersionForm
from prompts_app.content import FIELDS, VersionContent, from_json, problems
from prompts_app.exceptions import PromptError
from prompts_app.partials import included


def check(form: VersionForm) -> dict[str, Any]:
    """Variables, includes, a token estimate and everything that is wrong, of a form as it is sent."""
    form.is_valid()
    wrong = [f"{name}: {' '.join(map(str, form.errors[name]))}" for name in FIELDS if name in form.errors]
    values = {name: form.cleaned_data[name] for name in FIELDS if name in form.cleaned_data}
    try:
        content = from_json(values)
    except PromptError as exc:
        return {"problems": [*wrong, str(exc)]}
    content, missing = _with_partials(form, content)
    return {
        "tokens": content.tokens,
        "includes": included(content.texts),
        "problems": [*wrong, *missing, *problems(content)],
        **dict(_variables(content)),
    }


def _with_partials(form: VersionForm, content: VersionContent) -> tuple[VersionContent, list[str]]:
    prompt = form.cleaned_data.get("prompt") or (form.instance.prompt if form.instance.pk else None)
    try:
        return replace(content, partials=services.included(prompt.name if prompt else "", content)), []
    except PromptError as exc:
        return content, [str(exc)]


def _variables(content: VersionContent) -> Iterator[tuple[str, list[str]]]:
    try:
        schema = content.schema
    except PromptError:
        return
    yield "variables", sorted(schema.used)
    yield "optional", sorted(schema.used & schema.defaults.keys())
    yield "unused", sorted(schema.unused)
