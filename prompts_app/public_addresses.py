"""Which addresses a webhook may reach, checked on the very address that is connected to.

A check of the URL would not do: names resolve to whatever their owner likes, and differently the next time.
"""

import errno
import socket
from ipaddress import IPv6Address, ip_address
from typing import Any


class AddressRefused(OSError):
    """The address is not public."""


def is_public(address: str) -> bool:
    """Whether the IP address belongs to the public internet; no ways around through IPv6."""
    ip = ip_address(address)
    if isinstance(ip, IPv6Address):
        if ip.ipv4_mapped:
            return is_public(str(ip.ipv4_mapped))
        if ip.sixtofour or ip.is_site_local:
            return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def public_socket(info: tuple[Any, ...]) -> socket.socket:
    """A socket for what `getaddrinfo` found (aiohttp's `socket_factory`). Raises `AddressRefused`."""
    family, kind, protocol, _, (address, *_) = info
    if not is_public(address):
        raise AddressRefused(errno.EACCES, f"{address} is not a public address")
    return socket.socket(family, kind, protocol)
