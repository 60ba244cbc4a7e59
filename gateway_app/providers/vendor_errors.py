"""What an HTTP vendor says went wrong, as our exception.

OpenAI, the servers that speak like it, and Anthropic all send `{"error": {"type", "message", …}}`.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from gateway_app.exceptions import ProviderDenied, ProviderError, RequestRejected
from gateway_app.providers.base import error_for_status
from gateway_app.providers.retry_after import retry_after

MAX_MESSAGE = 500
OUT_OF_CREDIT = frozenset(("insufficient_quota", "billing_error", "credit_balance_exhausted"))
"""Types and codes that no waiting cures."""
STATUS_OF_TYPE = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "timeout_error": 504,
    "overloaded_error": 529,
}
"""Of an error in the midst of a stream, which has no status of its own; what is not here is a 500."""


def error_reply(
    status: int, body: bytes, headers: Mapping[str, str], *, now: datetime
) -> ProviderError | RequestRejected:
    """For a reply with a status other than 200."""
    kinds, message = _read(body)
    return _exception(status, kinds, message, wait=retry_after(headers, now=now))


def error_in_stream(body: bytes) -> ProviderError | RequestRejected:
    """For an event that carries an error."""
    kinds, message = _read(body)
    status = next((STATUS_OF_TYPE[kind] for kind in kinds if kind in STATUS_OF_TYPE), 500)
    return _exception(status, kinds, message, wait=None)


def _exception(
    status: int, kinds: tuple[str, ...], message: str, *, wait: float | None
) -> ProviderError | RequestRejected:
    if status == 402 or OUT_OF_CREDIT.intersection(kinds):
        return ProviderDenied("the gateway's account with the vendor is out of credit", status=status)
    return error_for_status(status, message, retry_after=wait)


def _read(body: bytes) -> tuple[tuple[str, ...], str]:
    """Type and code, and the message, from a body of whatever shape."""
    try:
        document: Any = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return (), "no reason given"
    error = document.get("error", document) if isinstance(document, dict) else document
    if not isinstance(error, dict):
        return (), str(error)[:MAX_MESSAGE]
    kinds = tuple(str(error[name]) for name in ("type", "code") if error.get(name))
    message = error.get("message") or error.get("detail") or "no reason given"
    return kinds, str(message)[:MAX_MESSAGE]
