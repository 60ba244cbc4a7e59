"""How long a reply may keep us waiting."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from gateway_app.exceptions import ProviderTimeout
from gateway_app.pacing import Patience, paced
from gateway_app.types import Chunk


async def reply(*waits: float, closed: list[bool] | None = None) -> AsyncGenerator[Chunk, None]:
    """A chunk after each wait, in seconds."""
    try:
        for number, wait in enumerate(waits):
            await asyncio.sleep(wait)
            yield Chunk(text=str(number))
    finally:
        if closed is not None:
            closed.append(True)


async def collect(source: AsyncGenerator[Chunk, None], patience: Patience) -> list[str]:
    return [chunk.text async for chunk in paced(source, patience, left=patience.total)]


async def test_a_reply_in_time_passes_untouched() -> None:
    patience = Patience(first=1, idle=1, total=1)
    assert await collect(reply(0, 0, 0), patience) == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("waits", "patience", "late"),
    [
        ((0.5,), Patience(first=0.02, idle=1, total=1), "the first token"),
        ((0, 0.5), Patience(first=1, idle=0.02, total=1), "the next token"),
        ((0, 0.02, 0.02, 0.02, 0.02), Patience(first=1, idle=1, total=0.05), "the whole reply"),
    ],
)
async def test_a_late_reply_is_given_up_and_closed(
    waits: tuple[float, ...], patience: Patience, late: str
) -> None:
    closed: list[bool] = []
    with pytest.raises(ProviderTimeout, match=late):
        await collect(reply(*waits, closed=closed), patience)
    assert closed == [True]
