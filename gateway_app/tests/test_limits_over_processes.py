"""A thousand calls at once over two processes: exactly what a key's limit allows reaches the vendor."""

import asyncio
import time
from collections import Counter

import aiohttp
import pytest

from gateway_app.testing.process import SimulatorControl
from gateway_app.tests.test_access import manage
from llmgateway.stack import Stack

CALLS = 1000
MAX_TOKENS = 1000

LIMITS = {
    "rate": ("--requests-per-minute", "40", 40, 429),
    # Each reserves 1,000 tokens of reply and a few of its prompt.
    "tokens": ("--tokens-per-minute", "31900", 31, 429),
    # Each reserves 1,000 tokens of reply at $2.50 a million, and a few of its prompt.
    "budget": ("--daily-budget-usd", "0.10", 39, 402),
    "concurrency": ("--concurrent-requests", "25", 25, 429),
}


@pytest.mark.parametrize(("option", "value", "exactly", "refusal"), LIMITS.values(), ids=LIMITS)
async def test_of_a_thousand_calls_exactly_the_limit_reaches_the_vendor(
    stack: Stack, option: str, value: str, exactly: int, refusal: int
) -> None:
    key = await asyncio.to_thread(
        manage, stack, "create_key", "--project", "limits", "--name", f"a thousand {option}", option, value
    )
    vendor = SimulatorControl(stack.simulator_url)
    await asyncio.to_thread(vendor.reset_stats)
    await asyncio.sleep(1)
    if option == "--tokens-per-minute" and time.time() % 60 > 35:
        await asyncio.sleep(60 - time.time() % 60)  # a new minute in the midst would bring new tokens
    refused: Counter[int | str] = Counter()

    async def call(session: aiohttp.ClientSession, number: int) -> None:
        body = {"prompt": f"{number:04} [[fault:hang]]", "max_tokens": MAX_TOKENS}
        try:
            async with session.post(f"{stack.url}/chat", json=body) as answer:
                refused[answer.status] += 1
        except aiohttp.ClientError as exc:
            refused[repr(exc)] += 1

    headers = {"Authorization": f"Bearer {key}"}
    timeout = aiohttp.ClientTimeout(total=50)
    async with aiohttp.ClientSession(
        headers=headers, connector=aiohttp.TCPConnector(limit=0), timeout=timeout
    ) as session:
        calls = [asyncio.create_task(call(session, number)) for number in range(CALLS)]
        async with asyncio.timeout(45):
            while refused.total() < CALLS - exactly:
                await asyncio.sleep(0.05)
            while (await asyncio.to_thread(vendor.stats)).in_flight < exactly:
                await asyncio.sleep(0.05)
        await asyncio.sleep(0.5)
        assert refused == {refusal: CALLS - exactly}
        assert (await asyncio.to_thread(vendor.stats)).calls == exactly
        for task in calls:
            task.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
