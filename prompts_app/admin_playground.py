"""The page on which versions are tried side by side. The answers come over a socket of the gateway's."""

import json
from typing import Any

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse

from prompts_app.admin_display import STATUS_COLOURS, live_shares
from prompts_app.admin_verbs import TRY, page_of
from prompts_app.changes import By
from prompts_app.examples import delete_example, save_example
from prompts_app.exceptions import ChangeRefused, PromptError
from prompts_app.models import Prompt, PromptVersion
from prompts_app.variable_fields import known_variables, optional_variables, variables_form

SOCKET = "/ws/playground"
SHOWN = 12
"""Versions to choose from: the newest, and the live ones."""
AT_ONCE = 4


def playground_view(request: HttpRequest, prompt: Prompt, *, site: AdminSite, opts: Any) -> HttpResponse:
    """`?version=` (up to four times) says which versions are chosen, `?call=` whose input is used."""
    if not request.user.has_perm(TRY):
        raise PermissionDenied
    live = dict(live_shares(prompt))
    versions = _versions(prompt, live)
    chosen = _chosen(request.GET.getlist("version"), versions, live)
    context = site.each_context(request) | {
        "opts": opts,
        "title": f"Try {prompt.name}",
        "original": prompt,
        "prompt": prompt,
        "back": page_of(prompt),
        "versions": [
            {
                "row": row,
                "colour": STATUS_COLOURS[row.status],
                "share": live.get(row.label),
                "chosen": row.label in chosen,
            }
            for row in versions
        ],
        "form": variables_form([row.content for row in versions]),
        "page_data": _page_data(prompt, versions) | {"inputUrl": _input_of(request.GET.get("call", ""))},
    }
    return TemplateResponse(request, "admin/prompts_app/playground.html", context)


def examples_view(request: HttpRequest, prompt: Prompt) -> HttpResponse:
    """For playground.js: keeps (POST) or deletes (DELETE) an example; answers with those left."""
    if not request.user.has_perm(TRY):
        raise PermissionDenied
    by: By = {"actor": request.user.get_username(), "door": "admin"}
    try:
        name, variables = _example(request.body)
        if request.method == "DELETE":
            delete_example(prompt=prompt.name, name=name, **by)
        else:
            save_example(prompt=prompt.name, name=name, variables=variables, **by)
    except PromptError as exc:
        return JsonResponse({"error": str(exc)}, status=400)
    return JsonResponse({"examples": _examples(prompt)})


def _example(body: bytes) -> tuple[str, dict[str, Any]]:
    try:
        sent = json.loads(body)
    except (ValueError, RecursionError):
        sent = None
    match sent:
        case {"name": str(name), "variables": dict(variables)}:
            return name, variables
    raise ChangeRefused("an example has a name and variables")


def _versions(prompt: Prompt, live: dict[str, int]) -> list[PromptVersion]:
    rows = prompt.versions.exclude(status=PromptVersion.Status.ARCHIVED).order_by("-id")
    newest = list(rows[:SHOWN])
    older = rows.filter(label__in=live).exclude(pk__in=[row.pk for row in newest])
    return [*newest, *older]


def _chosen(asked: list[str], versions: list[PromptVersion], live: dict[str, int]) -> list[str]:
    """What was asked for; else what is live, and the newest beside it."""
    labels = [row.label for row in versions]
    wanted = [label for label in labels if label in asked] or [
        label for label in labels if label in live or label == labels[0]
    ]
    return wanted[:AT_ONCE]


def _page_data(prompt: Prompt, versions: list[PromptVersion]) -> dict[str, Any]:
    contents = {row.label: row.content for row in versions}
    return {
        "socket": SOCKET,
        "prompt": prompt.name,
        "atOnce": AT_ONCE,
        "examplesUrl": reverse("admin:prompts_app_prompt_examples", args=[prompt.pk]),
        "examples": _examples(prompt),
        "variables": {label: known_variables(content) for label, content in contents.items()},
        "optional": {label: optional_variables(content) for label, content in contents.items()},
    }


def _input_of(call: str) -> str | None:
    """Where the ledger, if there is one, tells the variables of that call."""
    try:
        return reverse("admin:gateway_app_call_input", args=[call])
    except NoReverseMatch:
        return None


def _examples(prompt: Prompt) -> dict[str, Any]:
    return dict(prompt.examples.values_list("name", "variables"))
