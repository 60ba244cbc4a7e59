"""What Google says went wrong, as our exception. Source: google.aip.dev/193, google.rpc.error_details."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from gateway_app.exceptions import ProviderDenied, ProviderError, RequestRejected
from gateway_app.providers.base import error_for_status
from gateway_app.providers.retry_after import retry_after

MAX_MESSAGE = 500


def error_reply(
    status: int, body: bytes, headers: Mapping[str, str], *, now: datetime
) -> ProviderError | RequestRejected:
    """For a reply with a status other than 200."""
    try:
        document = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        document = body.decode(errors="replace").strip()
    return _exception(status, document, wait=retry_after(headers, now=now))


def error_in_stream(body: bytes) -> ProviderError | RequestRejected:
    """For an event that carries an error."""
    return _exception(None, msgspec.json.decode(body), wait=None)


def _exception(status: int | None, document: Any, *, wait: float | None) -> ProviderError | RequestRejected:
    """`wait`, in seconds, is what the headers say: google.rpc.RetryInfo in the body comes before it."""
    error = _error(document)
    code = error.get("code")
    status = status or (code if isinstance(code, int) else 500)
    details = [detail for detail in error.get("details") or () if isinstance(detail, dict)]
    if any(detail.get("reason") == "API_KEY_INVALID" for detail in details):
        return ProviderDenied("the vendor refused the gateway's credentials", status=status)
    message = str(error.get("message") or error.get("status") or "no reason given")[:MAX_MESSAGE]
    delays = [delay for detail in details if (delay := _seconds(detail.get("retryDelay"))) is not None]
    return error_for_status(status, message, retry_after=delays[0] if delays else wait)


def _error(document: Any) -> dict[str, Any]:
    """The error within a body of whatever shape; a stream's comes in a list."""
    if isinstance(document, list) and len(document) == 1:
        document = document[0]
    error = document.get("error", document) if isinstance(document, dict) else document
    return error if isinstance(error, dict) else {"message": error}


def _seconds(delay: Any) -> float | None:
    """Of a google.protobuf.Duration, such as `7.25s`."""
    try:
        return float(str(delay).removesuffix("s"))
    except ValueError:
        return None
