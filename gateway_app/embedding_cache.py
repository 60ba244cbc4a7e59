"""Vectors that need not be paid for twice, kept in Redis."""

import asyncio
import base64
import contextlib
import hashlib
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec
from redis.exceptions import RedisError

from gateway_app.catalogue import ModelCard
from gateway_app.response_cache import AsyncRedisCache

Vector = Sequence[float]
SINGLE = "f"
"""Half the room of a double, and what vendors compute with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingCache:
    """Never raises: without Redis every look-up is a miss. Projects do not see each other's entries."""

    backend: AsyncRedisCache
    ttl: int
    """Seconds; 0 keeps nothing."""

    async def get(self, texts: Iterable[str], *, project: int, card: ModelCard) -> dict[str, Vector]:
        """The vectors of those texts that are known."""
        if not self.ttl:
            return {}
        wanted = list(texts)
        found = await asyncio.gather(*(self._read(_key(text, project, card)) for text in wanted))
        return {text: vector for text, vector in zip(wanted, found, strict=True) if vector}

    async def put(self, vectors: Mapping[str, Vector], *, project: int, card: ModelCard) -> None:
        if not self.ttl:
            return
        with contextlib.suppress(RedisError):
            await asyncio.gather(
                *(
                    self.backend.aset(_key(text, project, card), single(vector).tobytes(), timeout=self.ttl)
                    for text, vector in vectors.items()
                )
            )

    async def _read(self, key: str) -> Vector | None:
        vector = array(SINGLE)
        try:
            value = await self.backend.aget(key)
            vector.frombytes(base64.b64decode(value or ""))
        except (RedisError, ValueError, TypeError):
            return None
        return vector


def single(vector: Vector) -> "array[float]":
    """As it comes back from the cache, so that a look-up changes no figure."""
    return array(SINGLE, vector)


def _key(text: str, project: int, card: ModelCard) -> str:
    said = msgspec.json.encode([project, card.provider, card.name, text])
    return f"embedding:{hashlib.sha256(said).hexdigest()}"
