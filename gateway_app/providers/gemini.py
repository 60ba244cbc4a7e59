"""Gemini's generateContent, on the wire."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from gateway_app.exceptions import ProviderDenied
from gateway_app.providers import gemini_messages
from gateway_app.providers.base import Provider
from gateway_app.providers.foreign import translated
from gateway_app.providers.gemini_errors import error_reply
from gateway_app.providers.gemini_reading import Reading
from gateway_app.providers.wire import Wire
from gateway_app.types import Chunk, CompletionRequest


class Gemini(Provider):
    supports_tools = True
    supports_images = True
    supports_json_schema = True

    def __init__(self, *, api_key: str, base_url: str) -> None:
        self._keyless = not api_key
        self._wire = Wire(base_url, headers={"x-goog-api-key": api_key}, error_reply=error_reply)

    async def open(self) -> None:
        await self._wire.open()

    async def close(self) -> None:
        await self._wire.close()

    async def stream(self, request: CompletionRequest, *, whole: bool = False) -> AsyncGenerator[Chunk, None]:
        if self._keyless:
            raise ProviderDenied("GEMINI_API_KEY is not set")
        reading = Reading()
        path, body = f"/v1beta/{_resource(request.model)}", gemini_messages.body(request)
        with translated():
            if whole:
                yield reading.chunk(await self._wire.reply(f"{path}:generateContent", body))
            else:
                events = self._wire.events(f"{path}:streamGenerateContent?alt=sse", body)
                async with aclosing(events):
                    async for event in events:
                        yield reading.chunk(event.data)
        reading.end()


def _resource(model: str) -> str:
    """A tuned model is named with its collection."""
    return model if model.startswith(("models/", "tunedModels/")) else f"models/{model}"
