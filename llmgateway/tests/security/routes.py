"""Every address, read from the tables that serve it: a new one is in every walk at once."""

import re
from collections.abc import Iterator
from typing import Any

from django.urls import URLPattern, get_resolver

from gateway_app import routing

PAGES = ("/admin/", "/docs/", "/schema/", "/admin")
STREAMED = {"ChatCompletions": ("POST",), "Models": ("GET",)}
"""Consumers that are not asked by POST alone, and how they are asked."""


def patterns(table: Any, prefix: str = "/") -> Iterator[tuple[str, Any]]:
    """Route and pattern, such as `/prompts/<slug:name>`."""
    for entry in table:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLPattern):
            yield route, entry
        else:
            yield from patterns(entry.url_patterns, route)


def api() -> Iterator[tuple[str, str]]:
    """Method and route of everything that takes an API key, or nothing."""
    for route, entry in patterns([*get_resolver().url_patterns, *routing.streams]):
        if route == "/" or route.startswith(PAGES):
            continue
        view = getattr(entry.callback, "view_class", None) or getattr(entry.callback, "cls", None)
        consumer = getattr(entry.callback, "consumer_class", None)
        if view is not None:
            methods = [
                name.upper() for name in ("get", "post", "put", "patch", "delete") if hasattr(view, name)
            ]
        elif consumer is not None:
            methods = list(STREAMED.get(consumer.__name__, ("POST",)))
        else:
            methods = ["GET"]
        for method in methods:
            yield method, re.sub(r"<\w+:", "<", route)


def filled(route: str, **known: str) -> str:
    """The route with `known` names, and for the others one that nobody has."""
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda match: known.get(match[1], "1"), route)
