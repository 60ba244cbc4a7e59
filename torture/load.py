"""Bounded load: so many callers, for so long or so often; and what their times say."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

from torture.driver import Told

T = TypeVar("T")


async def users(number: int, seconds: float, once: Callable[[int, int], Awaitable[T]]) -> list[T]:
    """`number` callers who do `once(user, turn)` again and again for `seconds`."""
    until = time.monotonic() + seconds

    async def user(name: int) -> list[T]:
        said: list[T] = []
        while time.monotonic() < until:
            said.append(await once(name, len(said)))
        return said

    return [told for each in await asyncio.gather(*map(user, range(number))) for told in each]


async def crowd(work: Iterable[Callable[[], Awaitable[T]]], *, at_once: int) -> list[T]:
    """Everything in `work`, `at_once` at a time."""
    waiting = iter(work)
    done: list[T] = []

    async def hand() -> None:
        for job in waiting:
            done.append(await job())

    await asyncio.gather(*(hand() for _ in range(at_once)))
    return done


def percentile(values: Iterable[float], percent: float) -> float:
    """The smallest value that `percent` of all do not exceed; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] if ordered else 0.0


def p99(told: Iterable[Told]) -> float:
    """Seconds for a whole reply."""
    return percentile((one.took for one in told), 99)


def failures(told: Iterable[Told]) -> list[Told]:
    return [one for one in told if not one.ok]


def verdicts(told: Iterable[Told]) -> str:
    """How often each thing was said, for people."""
    counted = Counter(one.code or one.broken or ("ok" if one.ok else f"{one.status}, no end") for one in told)
    return ", ".join(f"{what}: {count}" for what, count in counted.most_common(8))


async def until(
    what: str, condition: Callable[[], object], *, within: float, every: float = 0.1, must: bool = True
) -> float:
    """Seconds until `condition` held, asked in a thread.

    After `within` seconds raises an `AssertionError` that names `what`, unless it need not hold.
    """
    began = time.monotonic()
    while not await asyncio.to_thread(condition):
        if time.monotonic() - began > within:
            assert not must, f"{what}: not within {within:g} s"
            break
        await asyncio.sleep(every)
    return time.monotonic() - began


def shown(some: Sequence[object], most: int = 5) -> str:
    return "; ".join(map(str, some[:most])) + (f"; and {len(some) - most} more" if len(some) > most else "")
