"""Gemini's `batchEmbedContents` (ai.google.dev/api/embeddings)."""

from collections.abc import Sequence

import msgspec

from gateway_app.exceptions import ProviderDenied
from gateway_app.providers.embedding import Embedded, Embedder, embedded
from gateway_app.providers.foreign import translated
from gateway_app.providers.wire import Wire


class _Vector(msgspec.Struct):
    values: list[float]


class _Usage(msgspec.Struct, rename="camel"):
    prompt_token_count: int | None = None


class _Reply(msgspec.Struct, rename="camel"):
    embeddings: list[_Vector]
    usage_metadata: _Usage = msgspec.field(default_factory=_Usage)


class GeminiEmbedder(Embedder):
    def __init__(self, *, api_key: str, base_url: str) -> None:
        super().__init__(Wire(f"{base_url}/v1beta", headers={"x-goog-api-key": api_key} if api_key else {}))
        self._lacks_key = not api_key

    async def embed(self, model: str, texts: Sequence[str]) -> Embedded:
        if self._lacks_key:
            raise ProviderDenied("GEMINI_API_KEY is not set")
        usual = {"model": f"models/{model}", "taskType": "SEMANTIC_SIMILARITY"}
        body = {"requests": [usual | {"content": {"parts": [{"text": text}]}} for text in texts]}
        with translated():
            raw = await self._wire.reply(f"/models/{model}:batchEmbedContents", body)
            reply = msgspec.json.decode(raw, type=_Reply)
        vectors = [vector.values for vector in reply.embeddings]
        return embedded(vectors, texts, tokens=reply.usage_metadata.prompt_token_count)
