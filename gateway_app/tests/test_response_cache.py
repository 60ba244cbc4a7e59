"""Replies are kept in Redis, and Redis may do what it likes: a call goes on."""

import asyncio
import json
import os
import pickle
import signal
import time
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
import redis as sync_redis
from msgspec.structs import replace

from gateway_app.response_cache import LONGEST_KEPT, AsyncRedisCache, ResponseCache
from gateway_app.types import Completion, ToolCall, Usage
from llmgateway import embedded

REPLY = Completion(
    text="Bonjour \U0001f30a",
    tool_calls=(ToolCall(id="1", name="f", arguments='{"a": 1}', signature="c2ln"),),
    finish_reason="stop",
    usage=Usage(input_tokens=3, cached_tokens=1, output_tokens=5, thinking_tokens=7, total_tokens=15),
    model="gemini-2.5-flash",
)
COST = Decimal("0.0000371234")


@pytest.fixture
async def cache(redis_server: embedded.Server) -> AsyncIterator[ResponseCache]:
    opened = ResponseCache(backend(redis_server), ttl=60)
    assert await opened.ping()
    yield opened
    await opened.close()


def backend(redis_server: embedded.Server) -> AsyncRedisCache:
    options = {"SERIALIZER": "gateway_app.response_cache.MsgspecSerializer"}
    return AsyncRedisCache(redis_server.url, {"KEY_PREFIX": "gw", "OPTIONS": options})


async def test_a_reply_comes_back_as_it_was_kept(cache: ResponseCache) -> None:
    cache.put("k", REPLY, cost_usd=COST)
    stored = await cache.get("k")
    assert stored is not None
    assert (stored.completion, stored.cost_usd) == (REPLY, COST)


async def test_an_unknown_cost_stays_unknown(cache: ResponseCache) -> None:
    cache.put("k", REPLY, cost_usd=None)
    stored = await cache.get("k")
    assert stored is not None
    assert stored.cost_usd is None


async def test_a_reply_is_kept_as_json_for_its_time(
    cache: ResponseCache, redis_server: embedded.Server
) -> None:
    cache.put("k", REPLY, cost_usd=COST)
    await cache.ping()
    with sync_redis.Redis.from_url(redis_server.url) as client:
        assert json.loads(client.get("gw:1:k"))["completion"]["text"] == REPLY.text  # type: ignore[arg-type]
        assert 0 < client.ttl("gw:1:k") <= 60  # type: ignore[operator]


async def test_both_sides_of_the_backend_share_keys_and_format(redis_server: embedded.Server) -> None:
    both = backend(redis_server)
    await both.aset("k", {"a": 1}, timeout=5)
    assert both.get("k") == {"a": 1}
    both.set("l", [1, "x"])
    assert await both.aget("l") == [1, "x"]
    assert await both.adelete("l")
    assert both.get("l") is None
    both.close()
    await both.aclose()


async def test_a_reply_older_than_asked_for_is_none(cache: ResponseCache) -> None:
    cache.put("k", REPLY, cost_usd=COST)
    await asyncio.sleep(0.02)
    assert await cache.get("k", max_age=0) is None
    assert await cache.get("k", max_age=60) is not None


async def test_without_a_lifetime_nothing_is_kept(redis_server: embedded.Server) -> None:
    off = ResponseCache(backend(redis_server), ttl=0)
    off.put("k", REPLY, cost_usd=COST)
    assert await off.get("k") is None


async def test_a_reply_that_is_too_long_is_not_kept(cache: ResponseCache) -> None:
    cache.put("just", replace(REPLY, text="x" * LONGEST_KEPT), cost_usd=COST)
    cache.put("too long", replace(REPLY, text="x" * (LONGEST_KEPT + 1)), cost_usd=COST)
    assert await cache.get("just") is not None
    assert await cache.get("too long") is None


FOREIGN = {
    "half": b'{"completion": {"te',
    "number": b"42",
    "other-shape": b'{"completion": {"text": 5}}',
    "old-shape": b'{"text": "hello"}',
    "not-utf8": b"\xff\xfe",
    "pickle": pickle.dumps({"completion": "x"}),
    "empty": b"",
    "deep": b"[" * 100_000,
}


@pytest.mark.parametrize("value", FOREIGN.values(), ids=FOREIGN)
async def test_what_cannot_be_read_is_a_miss_and_is_replaced(
    cache: ResponseCache, redis_server: embedded.Server, value: bytes
) -> None:
    with sync_redis.Redis.from_url(redis_server.url) as client:
        client.set("gw:1:k", value)
        assert await cache.get("k") is None
        assert not client.exists("gw:1:k")
    cache.put("k", REPLY, cost_usd=COST)
    assert await cache.get("k") is not None


async def test_a_key_of_another_type_is_a_miss(cache: ResponseCache, redis_server: embedded.Server) -> None:
    with sync_redis.Redis.from_url(redis_server.url) as client:
        client.lpush("gw:1:k", "x")
        assert await cache.get("k") is None


async def test_a_full_redis_still_serves_what_it_has(
    cache: ResponseCache, redis_server: embedded.Server
) -> None:
    cache.put("k", REPLY, cost_usd=COST)
    await cache.ping()
    with sync_redis.Redis.from_url(redis_server.url) as client:
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("maxmemory", 1)
        cache.put("l", REPLY, cost_usd=COST)
        assert await cache.get("k") is not None
        assert await cache.get("l") is None


async def test_a_redis_that_hangs_costs_a_call_a_quarter_of_a_second_at_most(
    cache: ResponseCache, redis_server: embedded.Server
) -> None:
    cache.put("k", REPLY, cost_usd=COST)
    await cache.ping()
    assert redis_server.child.pid
    os.kill(redis_server.child.pid, signal.SIGSTOP)
    began = time.perf_counter()
    assert await cache.get("k") is None
    cache.put("k", REPLY, cost_usd=COST)
    waited = time.perf_counter() - began
    os.kill(redis_server.child.pid, signal.SIGCONT)
    assert waited < 0.25
    await asyncio.sleep(1.1)
    assert await cache.get("k") is not None


async def test_a_redis_that_is_gone_is_a_miss(cache: ResponseCache, redis_server: embedded.Server) -> None:
    cache.put("k", REPLY, cost_usd=COST)
    await cache.ping()
    redis_server.child.kill()
    assert await cache.get("k") is None
    assert not await cache.ping()


async def test_three_hundred_at_once_share_a_bounded_pool(cache: ResponseCache) -> None:
    cache.put("k", REPLY, cost_usd=COST)
    found = await asyncio.gather(*(cache.get("k") for _ in range(300)))
    assert all(stored is not None for stored in found)


async def test_a_redis_that_waits_for_another_is_a_miss_and_not_well(
    cache: ResponseCache, redis_server: embedded.Server
) -> None:
    cache.put("k", REPLY, cost_usd=COST)
    assert await cache.ping()
    with sync_redis.Redis.from_url(redis_server.url) as client:
        client.config_set("replica-serve-stale-data", "no")
        client.replicaof("127.0.0.1", "1")
    assert await cache.get("k") is None
    assert not await cache.ping()


async def test_what_cannot_be_read_is_a_miss_where_it_cannot_be_removed_either(
    cache: ResponseCache, redis_server: embedded.Server
) -> None:
    with sync_redis.Redis.from_url(redis_server.url) as client:
        client.set("gw:1:k", b"\x00 no reply")
        client.replicaof("127.0.0.1", "1")
    assert await cache.get("k") is None
