"""OpenAI's chat completions, and every server that speaks them: vLLM, Ollama, Groq and their kin."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from urllib.parse import urlsplit

from gateway_app.exceptions import ProviderDenied
from gateway_app.providers import openai_messages
from gateway_app.providers.base import Provider
from gateway_app.providers.foreign import translated
from gateway_app.providers.openai_reading import Reading
from gateway_app.providers.wire import Wire
from gateway_app.types import Chunk, CompletionRequest

PATH = "/chat/completions"
END = b"[DONE]"


class OpenAI(Provider):
    """`base_url` ends where the paths begin, in `/v1` as a rule. Only OpenAI's own must have a key."""

    supports_tools = True
    supports_images = True
    supports_json_schema = True

    def __init__(self, *, api_key: str, base_url: str) -> None:
        self._lacks_key = is_openai(base_url) and not api_key
        self._wire = Wire(base_url, headers={"Authorization": f"Bearer {api_key}"} if api_key else {})

    async def open(self) -> None:
        await self._wire.open()

    async def close(self) -> None:
        await self._wire.close()

    async def stream(self, request: CompletionRequest, *, whole: bool = False) -> AsyncGenerator[Chunk, None]:
        if self._lacks_key:
            raise ProviderDenied("OPENAI_API_KEY is not set")
        reading = Reading()
        with translated():
            async with aclosing(self._messages(request, whole=whole)) as messages:
                async for message in messages:
                    yield reading.chunk(message)
        yield reading.last()

    async def _messages(self, request: CompletionRequest, *, whole: bool) -> AsyncGenerator[bytes, None]:
        body = openai_messages.body(request, whole=whole)
        if whole:
            yield await self._wire.reply(PATH, body)
            return
        async with aclosing(self._wire.events(PATH, body)) as events:
            async for event in events:
                # What follows the end is read too: only then is the connection used again.
                if event.data != END:
                    yield event.data


def is_openai(base_url: str) -> bool:
    """Whether OpenAI itself answers there, on its own servers or on Azure's."""
    host = urlsplit(base_url).hostname or ""
    return host.endswith((".openai.com", ".openai.azure.com"))
