"""What an HTTP client raises, in our words: one table for all adapters."""

from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp

from gateway_app.exceptions import (
    ProviderBadReply,
    ProviderError,
    ProviderTimeout,
    ProviderUnavailable,
)

ForeignErrors = tuple[tuple[type[Exception], type[ProviderError], str], ...]

HTTP_ERRORS: ForeignErrors = (
    (TimeoutError, ProviderTimeout, "the vendor took too long"),
    (aiohttp.ClientPayloadError, ProviderBadReply, "the vendor's reply was cut short"),
    (aiohttp.ClientError, ProviderUnavailable, "the vendor could not be reached"),
    (OSError, ProviderUnavailable, "the vendor could not be reached"),
    (ValueError, ProviderBadReply, "the vendor's reply was not what its protocol says"),
    (RecursionError, ProviderBadReply, "the vendor's reply was not what its protocol says"),
)
"""First match wins. The decoding errors of json, msgspec and pydantic are `ValueError`s."""


@contextmanager
def translated(table: ForeignErrors = HTTP_ERRORS) -> Iterator[None]:
    """Raises ours from what of `table` is raised within; lets everything else pass."""
    try:
        yield
    except tuple(foreign for foreign, _, _ in table) as exc:
        raise _ours(exc, table) from exc


def _ours(exc: Exception, table: ForeignErrors) -> ProviderError:
    ours, message = next((ours, message) for foreign, ours, message in table if isinstance(exc, foreign))
    return ours(f"{message} ({type(exc).__name__})")
