"""The sign of life of clock and task workers: a time in Redis, left by a task that the clock asks for."""

import contextlib
import time

import redis

TICKED = "gw:tasks:ticked"
"""Stays until the next: a time that is gone would be no time to tell an age from."""


def tick(redis_url: str) -> None:
    """Raises `RedisError`."""
    with redis.Redis.from_url(redis_url, retry=None, socket_timeout=1, socket_connect_timeout=1) as client:
        client.set(TICKED, time.time())


def silent(ticked: bytes | None) -> float:
    """Seconds since what is kept at `TICKED`; endless where no task worker ever left one."""
    with contextlib.suppress(ValueError):
        return max(0.0, time.time() - float(ticked or b""))
    return float("inf")
