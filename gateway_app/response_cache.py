"""Replies that need not be paid for twice, kept in Redis through django-redis."""

import asyncio
import time
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from weakref import WeakKeyDictionary

import msgspec
import redis.asyncio
import structlog
from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django_redis.cache import RedisCache
from django_redis.serializers.base import BaseSerializer
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from gateway_app.breaker import Breaker
from gateway_app.types import Completion

log = structlog.get_logger()

AWAY = (RedisConnectionError, RedisTimeoutError, OSError, TimeoutError)
"""Redis did not answer; a `ResponseError` is an answer."""

UNREADABLE = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredReply:
    """A cache entry."""

    completion: Completion
    stored_at: float
    """Unix seconds."""
    cost_usd: Decimal | None
    """What the reply cost, and so what a hit saves."""


class MsgspecSerializer(BaseSerializer):
    """JSON both ways: a value from Redis is data, never code."""

    def dumps(self, value: Any) -> bytes:
        return msgspec.json.encode(value)

    def loads(self, value: bytes) -> Any:
        return msgspec.json.decode(value)


class AsyncRedisCache(RedisCache):
    """django-redis, with `aget`, `aset` and `adelete` that speak to Redis instead of hopping to a thread.

    Both sides share keys and format. One client and pool for each event loop.
    """

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._loops: WeakKeyDictionary[asyncio.AbstractEventLoop, redis.asyncio.Redis] = WeakKeyDictionary()

    def _redis(self) -> redis.asyncio.Redis:
        loop = asyncio.get_running_loop()
        if loop not in self._loops:
            self._loops[loop] = async_redis(self._server)
        return self._loops[loop]

    async def aget(self, key: str, default: Any = None, version: int | None = None) -> Any:
        value = await self._redis().get(self.client.make_key(key, version=version))
        return default if value is None else self.client.decode(value)

    async def aset(
        self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> None:
        seconds = self.default_timeout if timeout is DEFAULT_TIMEOUT else timeout
        name, encoded = self.client.make_key(key, version=version), self.client.encode(value)
        await self._redis().set(name, encoded, px=None if seconds is None else max(1, int(seconds * 1000)))

    async def adelete(self, key: str, version: int | None = None) -> bool:
        return bool(await self._redis().delete(self.client.make_key(key, version=version)))

    async def aclose(self, **kwargs: Any) -> None:
        client = self._loops.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.aclose()
            await client.connection_pool.disconnect()


def async_redis(url: str) -> redis.asyncio.Redis:
    """A client whose every wait is short: Redis helps, and must never hold a call up."""
    pool = redis.asyncio.BlockingConnectionPool.from_url(
        url, max_connections=64, timeout=0.2, socket_timeout=0.2, socket_connect_timeout=0.2, retry=None
    )
    return redis.asyncio.Redis(connection_pool=pool)


class ResponseCache:
    """Looks replies up and keeps them. Never raises: without Redis every look-up is a miss."""

    def __init__(self, backend: AsyncRedisCache, *, ttl: int, breaker: Breaker | None = None) -> None:
        self._backend = backend
        self._ttl = ttl
        self._breaker = breaker or Breaker(clock=time.monotonic)

    async def get(self, key: str, *, max_age: int | None = None) -> StoredReply | None:
        """The reply kept under `key`, unless it is older than `max_age` seconds."""
        if not self._ttl or not self._breaker.allows():
            return None
        try:
            value = await self._backend.aget(key)
        except AWAY as exc:
            self._failed("get", exc)
            return None
        except (ResponseError, ValueError):
            value = UNREADABLE
        self._breaker.succeeded()
        return None if value is None else await self._read(key, value, max_age=max_age)

    async def _read(self, key: str, value: Any, *, max_age: int | None) -> StoredReply | None:
        try:
            stored = msgspec.convert(value, StoredReply)
        except msgspec.ValidationError:
            log.warning("cache_entry_unreadable", key=key)
            await self.delete(key)
            return None
        fresh = max_age is None or time.time() - stored.stored_at <= max_age
        return stored if fresh else None

    async def put(self, key: str, completion: Completion, *, cost_usd: Decimal | None) -> None:
        if not self._ttl or not self._breaker.allows():
            return
        entry = StoredReply(completion=completion, stored_at=time.time(), cost_usd=cost_usd)
        try:
            await self._backend.aset(key, entry, timeout=self._ttl)
        except AWAY as exc:
            self._failed("put", exc)
        except ResponseError as exc:
            log.warning("cache_refused", error=str(exc)[:200])
        else:
            self._breaker.succeeded()

    async def delete(self, key: str) -> None:
        try:
            await self._backend.adelete(key)
        except AWAY as exc:
            self._failed("delete", exc)

    async def ping(self) -> bool:
        """Whether Redis answers at this moment."""
        try:
            await self._backend.aget("ping")
        except AWAY:
            return False
        except (ResponseError, ValueError):
            return True
        return True

    async def close(self) -> None:
        await self._backend.aclose()

    def _failed(self, action: str, exc: Exception) -> None:
        if self._breaker.failed():
            log.warning("cache_away", action=action, error=f"{type(exc).__name__}: {exc}"[:200])
