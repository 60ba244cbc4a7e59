"""Replies that need not be paid for twice, kept in Redis through django-redis."""

import asyncio
import contextlib
import time
from decimal import Decimal
from typing import Any
from weakref import WeakKeyDictionary

import msgspec
import structlog
from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django_redis.cache import RedisCache
from django_redis.serializers.base import BaseSerializer
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError

from gateway_app.json_numbers import untyped
from gateway_app.redis_mux import RedisMux
from gateway_app.types import Completion

log = structlog.get_logger()

LONGEST_KEPT = 512 * 1024
"""Characters. Whoever reads a kept reply holds all of it, however slowly he reads."""
UNREADABLE = b""
NOT_OURS = (ValueError, RecursionError)
"""What decoding raises for bytes that are no reply of ours: broken, foreign, nested without end."""


class StoredReply(msgspec.Struct, frozen=True, kw_only=True):
    """A cache entry."""

    completion: Completion
    stored_at: float
    """Unix seconds."""
    cost_usd: Decimal | None
    """What the reply cost, and so what a hit saves."""


_decode = msgspec.json.Decoder(StoredReply).decode
"""Of the bytes that `MsgspecSerializer` writes, without the detour over dicts."""


class MsgspecSerializer(BaseSerializer):
    """JSON both ways: a value from Redis is data, never code."""

    def dumps(self, value: Any) -> bytes:
        return msgspec.json.encode(value)

    def loads(self, value: bytes) -> Any:
        return untyped(value)


class AsyncRedisCache(RedisCache):
    """django-redis, with `aget`, `aset` and `adelete` that speak to Redis instead of hopping to a thread.

    Both sides share keys and format. One connection for each event loop.
    """

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._loops: WeakKeyDictionary[asyncio.AbstractEventLoop, RedisMux] = WeakKeyDictionary()

    @property
    def redis(self) -> RedisMux:
        """The running loop's connection; whoever shares it need not open another."""
        loop = asyncio.get_running_loop()
        if loop not in self._loops:
            self._loops[loop] = RedisMux(self._server)
        return self._loops[loop]

    async def aget(self, key: str, default: Any = None, version: int | None = None) -> Any:
        value = await self.redis.call("GET", self.client.make_key(key, version=version))
        return default if value is None else self.client.decode(value)

    async def aset(
        self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> None:
        seconds = self.default_timeout if timeout is DEFAULT_TIMEOUT else timeout
        name, encoded = self.client.make_key(key, version=version), self.client.encode(value)
        expiry = () if seconds is None else ("PX", max(1, int(seconds * 1000)))
        await self.redis.call("SET", name, encoded, *expiry)

    async def adelete(self, key: str, version: int | None = None) -> bool:
        return bool(await self.redis.call("DEL", self.client.make_key(key, version=version)))

    async def aclose(self, **kwargs: Any) -> None:
        mux = self._loops.pop(asyncio.get_running_loop(), None)
        if mux is not None:
            await mux.close()


class ResponseCache:
    """Looks replies up and keeps them. Never raises: without Redis every look-up is a miss."""

    def __init__(self, backend: AsyncRedisCache, *, ttl: int) -> None:
        """For the running event loop."""
        self._backend = backend
        self._redis = backend.redis
        self._ttl = ttl

    async def get(self, key: str, *, max_age: int | None = None) -> StoredReply | None:
        """The reply kept under `key`, unless it is older than `max_age` seconds."""
        if not self._ttl:
            return None
        try:
            raw = await self._redis.call("GET", self.name(key))
        except RedisConnectionError:
            return None
        except ResponseError as exc:
            raw = UNREADABLE if _is_foreign(exc) else None
        return None if raw is None else await self.read(key, raw, max_age=max_age)

    def name(self, key: str) -> str:
        """Under which Redis has it; "" where nothing is kept at all."""
        return str(self._backend.client.make_key(key)) if self._ttl else ""

    async def read(self, key: str, raw: bytes, *, max_age: int | None = None) -> StoredReply | None:
        """As `get`, for what somebody else has fetched from Redis."""
        try:
            stored = _decode(raw)
        except NOT_OURS:
            log.warning("cache_entry_unreadable", key=key)
            await self.delete(key)
            return None
        fresh = max_age is None or time.time() - stored.stored_at <= max_age
        return stored if fresh else None

    def put(self, key: str, completion: Completion, *, cost_usd: Decimal | None) -> None:
        """Keeps the reply, unless it is longer than `LONGEST_KEPT`. Does not wait.

        What this process asks Redis from now on comes after it.
        """
        if not self._ttl or len(completion.text) > LONGEST_KEPT:
            return
        entry = StoredReply(completion=completion, stored_at=time.time(), cost_usd=cost_usd)
        encoded = self._backend.client.encode(entry)
        self._redis.send("SET", self.name(key), encoded, "EX", self._ttl, refused=_refused)

    async def delete(self, key: str) -> None:
        with contextlib.suppress(RedisError):
            await self._backend.adelete(key)

    async def ping(self) -> bool:
        """Whether Redis answers at this moment."""
        try:
            await self._backend.aget("ping")
        except RedisConnectionError:
            return False
        except ResponseError as exc:
            return _is_foreign(exc)
        except NOT_OURS:
            return True
        return True

    async def close(self) -> None:
        await self._backend.aclose()


def _is_foreign(exc: ResponseError) -> bool:
    """Something else lies under the name; any other no is Redis's own: it is loading, or follows another."""
    return str(exc).startswith("WRONGTYPE")


def _refused(exc: ResponseError) -> None:
    log.warning("cache_refused", error=str(exc)[:200])
