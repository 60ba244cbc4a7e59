"""Where a call's page leads to: its trace, the playground, and pages of other apps."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.urls import NoReverseMatch, reverse

from gateway_app import conf
from gateway_app.models import Call, CallContent
from gateway_app.playground import PERMISSION as TRY


@dataclass(frozen=True, slots=True)
class Link:
    title: str
    url: str
    outside: bool = False
    """Of another site."""


def call_links(call: Call, content: CallContent | None, reader: Any) -> tuple[Link, ...]:
    """Those that `reader` may follow and that lead somewhere."""
    settings = conf.gateway()
    found = []
    if settings.trace_url and call.trace_id:
        found.append(Link("Trace", settings.trace_url.replace("{trace_id}", call.trace_id), outside=True))
    if content and content.variables is not None and call.prompt_name and reader.has_perm(TRY):
        found.append(Link("Same input in the playground", _playground(call)))
    for title, name, permission in settings.call_links:
        if reader.has_perm(permission) and (url := _url(name, call)):
            found.append(Link(title, url))
    return tuple(found)


def _playground(call: Call) -> str:
    """The prompt's playground, filled in with what was asked."""
    page = reverse("admin:prompts_app_prompt_try_named", args=[call.prompt_name])
    return f"{page}?{urlencode({'version': call.prompt_version, 'call': call.pk})}"


def _url(name: str, call: Call) -> str | None:
    try:
        return reverse(name, args=[call.pk])
    except NoReverseMatch:
        return None
