"""Anthropic's Messages."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from gateway_app.exceptions import ProviderDenied
from gateway_app.providers import anthropic_messages
from gateway_app.providers.anthropic_reading import Reading
from gateway_app.providers.base import Provider
from gateway_app.providers.foreign import translated
from gateway_app.providers.wire import Wire
from gateway_app.types import Chunk, CompletionRequest

PATH = "/v1/messages"
API_VERSION = "2023-06-01"
"""The next one, 2026-10-21, refuses sampling parameters even where the model still takes them."""


class Anthropic(Provider):
    supports_tools = True
    supports_images = True
    supports_json_schema = True

    def __init__(self, *, api_key: str, base_url: str) -> None:
        self._keyless = not api_key
        self._wire = Wire(base_url, headers={"x-api-key": api_key, "anthropic-version": API_VERSION})

    async def open(self) -> None:
        await self._wire.open()

    async def close(self) -> None:
        await self._wire.close()

    async def stream(self, request: CompletionRequest, *, whole: bool = False) -> AsyncGenerator[Chunk, None]:
        if self._keyless:
            raise ProviderDenied("ANTHROPIC_API_KEY is not set")
        reading = Reading()
        with translated():
            async with aclosing(self._chunks(request, reading, whole=whole)) as chunks:
                async for chunk in chunks:
                    yield chunk
        yield reading.last()

    async def _chunks(
        self, request: CompletionRequest, reading: Reading, *, whole: bool
    ) -> AsyncGenerator[Chunk, None]:
        body = anthropic_messages.body(request, whole=whole)
        if whole:
            yield reading.whole(await self._wire.reply(PATH, body))
            return
        async with aclosing(self._wire.events(PATH, body)) as events:
            async for event in events:
                yield reading.event(event)
