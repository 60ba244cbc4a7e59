"""Who tries to log in, and from where: what wrong passwords are counted by."""

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from django.http import HttpRequest

LONGEST_NAME = 150
"""Of a user. The rest of a longer one tells nobody apart, and the table has no room for it."""


def name(request: HttpRequest, credentials: Mapping[str, Any] | None) -> str:
    return str((credentials or request.POST).get("username", ""))[:LONGEST_NAME]


def connected(request: HttpRequest) -> str | None:
    """The other end of the connection; none over a Unix socket."""
    return request.META.get("REMOTE_ADDR") or None


def forwarded(request: HttpRequest) -> str | None:
    """The last address in `X-Forwarded-For`: our proxy wrote it, the client claims those before it."""
    last = request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()
    try:
        return str(ip_address(last))
    except ValueError:
        return connected(request)
