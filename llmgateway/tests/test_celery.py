"""What the clock strikes is there to be done, and the queue is one that can be trusted."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from django.conf import settings

from gateway_app.tests.secure_redis import SecureRedis, secure_redis
from llmgateway.celery import app
from llmgateway.env import ROOT


def test_every_task_of_the_clock_is_registered() -> None:
    app.loader.import_default_modules()
    asked = {entry["task"] for entry in app.conf.beat_schedule.values()}
    assert asked == set(settings.CLOCK)
    assert asked <= set(app.tasks)


@pytest.fixture
async def secured(tmp_path: Path) -> AsyncIterator[SecureRedis]:
    async with secure_redis(os.environ["REDIS_URL"], directory=tmp_path) as running:
        yield running


async def reach(url: str) -> str:
    """What a process whose `REDIS_URL` is this says when it reaches for its queue."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from llmgateway.celery import app; app.connection().default_channel.client.ping(); print('reached')",
        cwd=ROOT,
        env={**os.environ, "REDIS_URL": url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return output.decode()


async def test_a_queue_is_trusted_that_the_authority_named_in_its_url_vouches_for(
    secured: SecureRedis,
) -> None:
    assert (await reach(secured.trusting_url)).strip() == "reached"


async def test_a_queue_that_nobody_vouches_for_is_not_spoken_to(secured: SecureRedis) -> None:
    said = await reach(secured.url)
    assert "CERTIFICATE_VERIFY_FAILED" in said
    assert "reached" not in said
