"""OpenAI's `/embeddings`, and every server that speaks it."""

from collections.abc import Sequence

import msgspec

from gateway_app.exceptions import ProviderDenied
from gateway_app.providers.embedding import Embedded, Embedder, embedded
from gateway_app.providers.foreign import translated
from gateway_app.providers.openai import is_openai
from gateway_app.providers.wire import Wire


class _Vector(msgspec.Struct):
    index: int
    embedding: list[float]


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None


class _Reply(msgspec.Struct):
    data: list[_Vector]
    usage: _Usage | None = None


class OpenAIEmbedder(Embedder):
    """`base_url` ends where the paths begin, in `/v1` as a rule. Only OpenAI's own must have a key."""

    def __init__(self, *, api_key: str, base_url: str) -> None:
        super().__init__(Wire(base_url, headers={"Authorization": f"Bearer {api_key}"} if api_key else {}))
        self._lacks_key = is_openai(base_url) and not api_key

    async def embed(self, model: str, texts: Sequence[str]) -> Embedded:
        if self._lacks_key:
            raise ProviderDenied("OPENAI_API_KEY is not set")
        body = {"model": model, "input": list(texts), "encoding_format": "float"}
        with translated():
            reply = msgspec.json.decode(await self._wire.reply("/embeddings", body), type=_Reply)
        vectors = [vector.embedding for vector in sorted(reply.data, key=lambda vector: vector.index)]
        return embedded(vectors, texts, tokens=reply.usage.prompt_tokens if reply.usage else None)
