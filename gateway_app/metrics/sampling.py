"""What a worker's parts say of themselves, written down every second: a scrape may reach another worker."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway_app.gateway import Gateway
from gateway_app.metrics import instruments, observing
from prompts_app.refresh import RefreshState

PERIOD = 1.0
"""Seconds."""


@asynccontextmanager
async def sampled(gateway: Gateway) -> AsyncIterator[None]:
    """While in it, the instruments follow this worker's gateway."""
    observing.models.know(gateway.service.catalogue.cards)
    task = asyncio.create_task(_follow(gateway), name="metrics")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def _follow(gateway: Gateway) -> None:
    instruments.WORKERS.set(1)
    began = time.monotonic()
    dropped = 0
    while True:
        ledger = gateway.service.ledger
        instruments.TASKS.set(len(asyncio.all_tasks()))
        instruments.LEDGER_UNCONFIRMED.set(ledger.unwritten)
        instruments.LEDGER_CONNECTED.set(ledger.connected)
        instruments.LEDGER_DROPPED.inc(ledger.dropped - dropped)
        dropped = ledger.dropped
        instruments.CIRCUITS_OPEN.set(len(gateway.service.upstream.circuits.open_now()))
        for (surface, streamed), count in observing.open_calls.items():
            instruments.CALLS_OPEN.labels(surface, streamed).set(count)
        running = time.monotonic() - began
        _sample_age("prompts", gateway.registry.state, running)
        _sample_age("api_keys", gateway.keys.state, running)
        _sample_age("prices", gateway.prices.state, running)
        await asyncio.sleep(PERIOD)


def _sample_age(name: str, state: RefreshState, running: float) -> None:
    """What was never loaded is as old as this worker: all its calls are refused, and an alert must see it."""
    instruments.SNAPSHOT_AGE.labels(name).set(running if state.age is None else state.age)
