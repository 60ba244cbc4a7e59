"""Where calls without a key are served: under the gateway's own names, and to its own pages.

A website that somebody has open can speak to his machine, and as any host if its name leads there (DNS
rebinding). Nobody's key is in such a call, so that is what gives it away: its `Host`, or its `Origin`.
"""

from collections.abc import Sequence

from django.http.request import split_domain_port, validate_host

from gateway_app.exceptions import Unauthenticated
from gateway_app.headers import Scope, header

SEND_A_KEY = "send the header Authorization: Bearer gw_…"


def require_own_place(scope: Scope, *, hosts: Sequence[str], origins: Sequence[str]) -> None:
    """Of who has no key. `hosts` as Django's ALLOWED_HOSTS; raises `Unauthenticated`.

    Only browsers send an `Origin`, and they always name a `Host`.
    """
    host, origin = (header(scope, name).decode("latin-1") for name in (b"host", b"origin"))
    domain, _ = split_domain_port(host)
    if host and not (domain and validate_host(domain, hosts)):
        raise Unauthenticated(
            f"without an API key nobody is served under the name {host[:100]!r}:"
            f" add it to ALLOWED_HOSTS, or {SEND_A_KEY}"
        )
    if origin and not _is_ours(origin, domain, hosts, origins):
        raise Unauthenticated(
            f"without an API key pages of {origin[:100]!r} are not served:"
            f" add it to CORS_ALLOWED_ORIGINS, or {SEND_A_KEY}"
        )


def _is_ours(origin: str, domain: str, hosts: Sequence[str], origins: Sequence[str]) -> bool:
    """Every name of ours will do, whatever the port; but `*` among the hosts names none."""
    if origin in origins or "*" in origins:
        return True
    theirs, _ = split_domain_port(origin.partition("://")[2])
    named = [host for host in hosts if host != "*"]
    return bool(theirs) and (theirs == domain or validate_host(theirs, named))
