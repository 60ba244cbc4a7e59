"""What an adapter is: one file per vendor dialect, one abstract method."""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator

from gateway_app.exceptions import (
    ModelNotFound,
    ProviderBadReply,
    ProviderDenied,
    ProviderError,
    ProviderRateLimited,
    ProviderRefused,
    ProviderTimeout,
    ProviderUnavailable,
    RequestRejected,
)
from gateway_app.types import Chunk, CompletionRequest


class Provider(ABC):
    """Speaks one vendor's wire. Reads no settings, retries nothing, knows nothing of prompts or callers."""

    supports_tools = False
    supports_images = False
    supports_json_schema = False

    @abstractmethod
    def stream(self, request: CompletionRequest, *, whole: bool = False) -> AsyncGenerator[Chunk, None]:
        """Yields the reply's chunks; the last one carries `finish_reason` and `usage`.

        With `whole` the caller wants the reply in one piece, and the adapter may ask the vendor for it so.
        Closing the iterator or cancelling its consumer closes the connection to the vendor.
        Raises `ProviderError` (or `ModelNotFound`) and nothing else.
        """

    async def open(self) -> None:  # noqa: B027 - an adapter without connections has nothing to open
        """Called once in the event loop that will serve."""

    async def close(self) -> None:  # noqa: B027
        """Releases connections."""


def error_for_status(
    status: int, message: str, *, retry_after: float | None = None
) -> ProviderError | RequestRejected:
    """Our exception for a vendor's HTTP status."""
    if status == 404:
        return ModelNotFound(f"the vendor does not know this model: {message}", param="model")
    if status in (401, 403):
        return ProviderDenied("the vendor refused the gateway's credentials", status=status)
    if status == 429:
        return ProviderRateLimited(
            f"the vendor limits the rate: {message}", status=status, retry_after=retry_after
        )
    if status in (408, 504):
        return ProviderTimeout(f"the vendor took too long: {message}", status=status)
    if status >= 500:
        return ProviderUnavailable(f"the vendor failed: {message}", status=status, retry_after=retry_after)
    if status >= 400:
        return ProviderRefused(f"the vendor refused the request: {message}", status=status)
    return ProviderBadReply(f"the vendor answered with status {status}", status=status)
