"""Where a call's page leads to: its trace, the playground, and pages of other apps."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
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
    """Those that `reader` may follow and that lead somewhere. `content` is None where he may not read it."""
    return tuple(chain(_trace(call), _asking_again(call, content, reader)))


def _trace(call: Call) -> Iterator[Link]:
    page = conf.gateway().trace_url
    if page and call.trace_id:
        yield Link("Trace", page.replace("{trace_id}", call.trace_id), outside=True)


def _asking_again(call: Call, content: CallContent | None, reader: Any) -> Iterator[Link]:
    if content is None or content.variables is None:
        return
    if reader.has_perm(TRY):
        yield Link("Same input in the playground", _playground(call))
    for title, name, permission in conf.gateway().call_links:
        if reader.has_perm(permission) and (url := _url(name, call)):
            yield Link(title, url)


def _playground(call: Call) -> str:
    """The prompt's playground, filled in with what was asked."""
    page = reverse("admin:prompts_app_prompt_try_named", args=[call.prompt_name])
    return f"{page}?{urlencode({'version': call.prompt_version, 'call': call.pk})}"


def _url(name: str, call: Call) -> str | None:
    try:
        return reverse(name, args=[call.pk])
    except NoReverseMatch:
        return None
