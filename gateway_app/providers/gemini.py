"""Gemini, through google-genai."""

import asyncio
import contextlib
import json
import warnings
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import aiohttp
from google import genai
from google.genai import errors, types

from gateway_app.exceptions import GatewayError, ProviderBadReply, ProviderDenied
from gateway_app.providers import gemini_messages
from gateway_app.providers.base import Provider, error_for_status
from gateway_app.providers.foreign import HTTP_ERRORS, ForeignErrors, translated
from gateway_app.types import Chunk, CompletionRequest

warnings.filterwarnings("ignore", message=".* is not a valid FinishReason")

FOREIGN_ERRORS: ForeignErrors = (
    (errors.UnknownApiResponseError, ProviderBadReply, "the vendor's reply was not what its protocol says"),
    *HTTP_ERRORS,
)


class Gemini(Provider):
    supports_tools = True
    supports_images = True
    supports_json_schema = True

    def __init__(self, *, api_key: str, base_url: str) -> None:
        self.api_key = api_key
        self.base_url = base_url
        self._session: aiohttp.ClientSession | None = None
        self._client: genai.Client | None = None

    async def open(self) -> None:
        """One session per event loop: the SDK's own would look up netrc in a thread for every call."""
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        self._client = genai.Client(
            api_key=self.api_key or "missing",
            http_options=types.HttpOptions(
                base_url=self.base_url,
                api_version="v1beta",
                aiohttp_client=self._session,
                # Without this the SDK sleeps up to 10 s and tries again behind our back.
                retry_options=types.HttpRetryOptions(attempts=1),
            ),
        )

    async def close(self) -> None:
        if self._session:
            await self._session.close()

    async def stream(self, request: CompletionRequest, *, whole: bool = False) -> AsyncGenerator[Chunk, None]:
        if not self.api_key:
            raise ProviderDenied("GEMINI_API_KEY is not set")
        reading = gemini_messages.Reading()
        try:
            with translated(FOREIGN_ERRORS):
                async with contextlib.aclosing(self._responses(request, whole=whole)) as responses:
                    async for response in responses:
                        yield reading.chunk(response)
        except errors.APIError as exc:
            raise _vendor_error(exc) from exc
        if not reading.finished:
            raise ProviderBadReply("the vendor's reply ended before it was finished")

    async def _responses(
        self, request: CompletionRequest, *, whole: bool
    ) -> AsyncGenerator[types.GenerateContentResponse, None]:
        assert self._client is not None, "open() first"
        call = gemini_messages.arguments(request)
        if whole:
            yield await self._client.aio.models.generate_content(**call)
            return
        stream = await self._client.aio.models.generate_content_stream(**call)
        try:
            async for response in stream:
                yield response
        finally:
            await _abort(stream)


async def _abort(stream: AsyncIterator[Any]) -> None:
    """Closes the connection under an SDK stream.

    `aclose()` leaves it open (googleapis/python-genai #2425); cancelling a pending `__anext__` closes it.
    """
    while True:
        pending = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        if pending.cancel():
            await asyncio.wait([pending])
            return
        if pending.exception():  # the stream was over already
            return
        # It had another chunk at hand: only a wait for the vendor can be cancelled.


def _vendor_error(exc: errors.APIError) -> GatewayError:
    message = str(exc.message or exc.status or "no reason given")[:500]
    if "API_KEY_INVALID" in json.dumps(exc.details, default=str):
        return ProviderDenied("the vendor refused the gateway's credentials", status=exc.code)
    return error_for_status(exc.code, message, retry_after=_retry_after(exc))


def _retry_after(exc: errors.APIError) -> float | None:
    """Seconds from google.rpc.RetryInfo in the body, else from the header."""
    body = exc.details if isinstance(exc.details, dict) else {}
    error = body.get("error", body)
    for detail in error.get("details", []) if isinstance(error, dict) else []:
        delay = str(detail.get("retryDelay", "")) if isinstance(detail, dict) else ""
        if delay.endswith("s"):
            with contextlib.suppress(ValueError):
                return float(delay[:-1])
    headers = getattr(exc.response, "headers", None) or {}
    with contextlib.suppress(ValueError):
        return float(headers.get("retry-after", ""))
    return None
