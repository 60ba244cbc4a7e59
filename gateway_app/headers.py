"""HTTP headers: the caller's to read, ours to send."""

from collections.abc import MutableMapping
from functools import lru_cache
from typing import Any

from rest_framework.exceptions import MethodNotAllowed, UnsupportedMediaType

from gateway_app.events import Start
from gateway_app.limits import RateLimit

Scope = MutableMapping[str, Any]

STREAM_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
"""Proxies must pass each piece of a stream on as it comes, and keep none."""


def header(scope: Scope, name: bytes) -> bytes:
    """The first header of that name (lower case); empty where there is none."""
    by_name: dict[bytes, bytes] | None = scope.get("headers_by_name")
    if by_name is None:
        by_name = scope["headers_by_name"] = dict(reversed(scope["headers"]))
    return by_name.get(name, b"")


@lru_cache(maxsize=256)
def wire_name(name: str) -> bytes:
    """As ASGI wants it."""
    return name.lower().encode()


def authorization(scope: Scope) -> str:
    return header(scope, b"authorization").decode("latin-1")


def require_post(method: str) -> None:
    """Raises DRF's `MethodNotAllowed`, which the error table knows from the views."""
    if method != "POST":
        raise MethodNotAllowed(method)


def require_json(scope: Scope) -> None:
    """Raises DRF's `UnsupportedMediaType`."""
    media_type = header(scope, b"content-type").decode("latin-1")
    if media_type.partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedMediaType(media_type)


def reply_headers(start: Start, *, total: float, upstream: float) -> dict[str, str]:
    """What every answer says of itself.

    `total` and `upstream` in seconds: of the whole reply, or until a stream's first piece. `Server-Timing`
    has milliseconds (W3C Server Timing, 2).
    """
    overhead = max(0.0, total - upstream)
    headers = {
        "X-Cache": start.cache,
        "Server-Timing": f"total;dur={total * 1000:.1f}, overhead;dur={overhead * 1000:.1f},"
        f" upstream;dur={upstream * 1000:.1f}",
    }
    if start.prompt_version:
        headers["X-Prompt-Version"] = start.prompt_version
    return headers | rate_limit_headers(start.rate_limit)


def rate_limit_headers(limit: RateLimit | None) -> dict[str, str]:
    """OpenAI's six; resets are Go durations, as OpenAI sends them."""
    headers: dict[str, str] = {}
    if limit and limit.requests is not None:
        headers["x-ratelimit-limit-requests"] = str(limit.requests)
        headers["x-ratelimit-remaining-requests"] = str(limit.requests_left)
        headers["x-ratelimit-reset-requests"] = f"{limit.requests_reset:.3f}s"
    if limit and limit.tokens is not None:
        headers["x-ratelimit-limit-tokens"] = str(limit.tokens)
        headers["x-ratelimit-remaining-tokens"] = str(limit.tokens_left)
        headers["x-ratelimit-reset-tokens"] = f"{limit.tokens_reset:.3f}s"
    return headers
