"""The gateway's one connection to Redis: whom it trusts, and what the log says of its end."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from gateway_app.redis_mux import RedisMux
from gateway_app.tests.secure_redis import SecureRedis, secure_redis
from llmgateway import parts
from llmgateway.ports import free_port
from llmgateway.stack import Stack


@pytest.fixture
async def secured(tmp_path: Path) -> AsyncIterator[SecureRedis]:
    async with secure_redis(os.environ["REDIS_URL"], directory=tmp_path) as running:
        yield running


async def ping(url: str) -> object:
    mux = RedisMux(url)
    try:
        return await mux.call("PING")
    finally:
        await mux.close()


async def test_a_redis_is_trusted_that_the_authority_named_in_its_url_vouches_for(
    secured: SecureRedis,
) -> None:
    assert await ping(secured.trusting_url) == b"PONG"


async def test_a_redis_that_nobody_vouches_for_is_not_spoken_to(secured: SecureRedis) -> None:
    with pytest.raises(RedisConnectionError):
        await ping(secured.url)


def test_a_gateway_that_stops_does_not_tell_of_redis_being_away(stack: Stack, tmp_path: Path) -> None:
    gateway = parts.gateway(stack.env | {"WEB_WORKERS": "1"}, port=free_port(), log=tmp_path / "gateway.log")
    gateway.start()
    gateway.stop()
    assert "redis_connected" in gateway.output()
    assert "redis_away" not in gateway.output()
