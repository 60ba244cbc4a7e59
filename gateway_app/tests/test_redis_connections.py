"""The gateway's one connection to Redis trusts whom it should."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from gateway_app.redis_mux import RedisMux
from gateway_app.tests.secure_redis import SecureRedis, secure_redis


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
