"""Gemini through google-genai: slower than `gemini`, and the reference that it is compared with."""

import asyncio
import warnings
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

import aiohttp
import msgspec
from google import genai
from google.genai import errors, types

from gateway_app.exceptions import GatewayError, ProviderBadReply, ProviderDenied
from gateway_app.providers import gemini_messages
from gateway_app.providers.base import Provider
from gateway_app.providers.foreign import HTTP_ERRORS, ForeignErrors, translated
from gateway_app.providers.gemini_errors import error_reply
from gateway_app.providers.gemini_reading import Reading
from gateway_app.providers.wire import HIDDEN
from gateway_app.types import Chunk, CompletionRequest

warnings.filterwarnings("ignore", message=".* is not a valid FinishReason")

FOREIGN_ERRORS: ForeignErrors = (
    (errors.UnknownApiResponseError, ProviderBadReply, "the vendor's reply was not what its protocol says"),
    *HTTP_ERRORS,
)


class GeminiSdk(Provider):
    supports_tools = True
    supports_images = True
    supports_json_schema = True

    def __init__(self, *, api_key: str, base_url: str) -> None:
        self._api_key = api_key
        self._base_url = base_url
        self._session: aiohttp.ClientSession | None = None
        self._client: genai.Client | None = None

    async def open(self) -> None:
        """One session per event loop: the SDK's own would look up netrc in a thread for every call."""
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        self._client = genai.Client(
            api_key=self._api_key or "missing",
            http_options=types.HttpOptions(
                base_url=self._base_url,
                api_version="v1beta",
                aiohttp_client=self._session,
                # The key must not follow to wherever a redirect points.
                async_client_args={"allow_redirects": False},
                # Without this the SDK sleeps up to 10 s and tries again behind our back.
                retry_options=types.HttpRetryOptions(attempts=1),
            ),
        )

    async def close(self) -> None:
        if self._session:
            await self._session.close()

    async def stream(self, request: CompletionRequest, *, whole: bool = False) -> AsyncGenerator[Chunk, None]:
        if not self._api_key:
            raise ProviderDenied("GEMINI_API_KEY is not set")
        reading = Reading()
        try:
            with translated(FOREIGN_ERRORS):
                async with aclosing(self._replies(request, whole=whole)) as replies:
                    async for reply in replies:
                        yield reading.chunk(_wire_form(reply))
        except errors.APIError as exc:
            raise _vendor_error(exc, key=self._api_key) from exc
        reading.end()

    async def _replies(
        self, request: CompletionRequest, *, whole: bool
    ) -> AsyncGenerator[types.GenerateContentResponse, None]:
        assert self._client is not None, "open() first"
        call = _arguments(request)
        if whole:
            yield await self._client.aio.models.generate_content(**call)
            return
        stream = await self._client.aio.models.generate_content_stream(**call)
        try:
            async for response in stream:
                yield response
        finally:
            await _abort(stream)


def _arguments(request: CompletionRequest) -> dict[str, Any]:
    """Of `generate_content` and `generate_content_stream`."""
    body = gemini_messages.body(request)
    turns = [types.Content.model_validate_json(msgspec.json.encode(turn)) for turn in body.pop("contents")]
    config = types.GenerateContentConfig.model_validate(
        {
            **body.pop("generationConfig"),
            **body,
            "automaticFunctionCalling": {"disable": True},
            "automaticContinuation": False,
        }
    )
    return {"model": request.model, "contents": turns, "config": config}


def _wire_form(response: types.GenerateContentResponse) -> bytes:
    """The response as Google sent it, as far as the SDK keeps it."""
    return msgspec.json.encode(
        response.model_dump(by_alias=True, exclude_none=True, exclude={"sdk_http_response", "parsed"})
    )


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


def _vendor_error(exc: errors.APIError, *, key: str) -> GatewayError:
    headers = getattr(exc.response, "headers", None) or {}
    said = msgspec.json.encode(exc.details).replace(key.encode(), HIDDEN)
    return error_reply(exc.code, said, headers, now=datetime.now(UTC))
