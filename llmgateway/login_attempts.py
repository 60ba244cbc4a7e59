"""Who tries to log in, and from where: what wrong passwords are counted by."""

import re
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Network, ip_address
from typing import Any

from django.http import HttpRequest

LONGEST_NAME = 150
"""Of a user. The rest of a longer one tells nobody apart, and the table has no room for it."""

NETWORK_BITS = 64
"""Of an IPv6 address: the network that one customer has at the least."""
WITH_PORT = re.compile(r"(?:([0-9.]+)|\[([^\]]+)\])(?::[0-9]{1,5})?")
"""As some proxies write an address."""


def name(request: HttpRequest, credentials: Mapping[str, Any] | None) -> str:
    return str((credentials or request.POST).get("username", ""))[:LONGEST_NAME]


def connected(request: HttpRequest) -> str | None:
    """The other end of the connection; none over a Unix socket."""
    address = request.META.get("REMOTE_ADDR") or None
    return address and (_counted(address) or address)


def forwarded(request: HttpRequest) -> str | None:
    """The last address in `X-Forwarded-For`: our proxy wrote it, the client claims those before it."""
    last = request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()
    with_port = WITH_PORT.fullmatch(last)
    return _counted(with_port[1] or with_port[2] if with_port else last) or connected(request)


def _counted(text: str) -> str | None:
    """What stands for the address in `text`: a host has a whole /64 of IPv6. None where it is none."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(IPv6Network((int(address), NETWORK_BITS), strict=False).network_address)
