"""Twenty projects ask alike and leave as they please: nobody hears, keeps or pays for what is another's."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from torture.driver import DOORS, Ask, Driver, Told, driving
from torture.load import crowd, shown, until, verdicts
from torture.rows import Figures
from torture.system import System

WORDS = "the tide turns twice a day and nobody on the quay has ever asked it why it does so"
TEXTS = 40
"""Different texts for each project: some calls hit, some fly together, some are first."""


@dataclass(frozen=True, slots=True)
class Tenant:
    name: str
    key: str

    def text(self, number: int) -> str:
        return f"{self.name} says {number}: {WORDS}"


async def mixed(
    system: System, *, requests: int = 20_000, projects: int = 20, leaving: float = 0.3, at_once: int = 64
) -> Figures:
    """Replies, cache entries and ledger rows each belong to the project that asked."""
    names = [f"tenant{number:02}" for number in range(projects)]
    keys = await system.new_keys(*({"project": name} for name in names))
    tenants = [Tenant(name, key) for name, key in zip(names, keys, strict=True)]
    chance = random.Random(8)  # noqa: S311 - a repeatable mixture
    began = time.monotonic()
    async with driving(system.stack.url) as driver:
        work = [_one(driver, tenants[n % projects], n, chance, leaving) for n in range(requests)]
        told = [one for one in await crowd(work, at_once=at_once) if one is not None]
    seconds = time.monotonic() - began
    crossed = [one for one in told if one.text and not _said_to(one).startswith(one.text)]
    whole = [one for one in told if one.ask.stay is None]
    failed = [one for one in whole if not one.ok or one.text != _said_to(one)]
    assert not crossed, f"replies crossed: {shown(crossed)}"
    assert not failed, f"{len(failed)} of {len(whole)} failed: {verdicts(failed)}: {shown(failed)}"
    rows = await _rows(system, names, at_least=len(whole))
    entries = await asyncio.to_thread(_entries_crossed, system)
    crossed_rows = await asyncio.to_thread(_rows_crossed, system)
    assert not crossed_rows, f"ledger rows crossed: {crossed_rows}"
    assert not entries, f"cache entries crossed: {entries}"
    return {
        "requests": requests,
        "left early": requests - len(whole),
        "crossed": 0,
        "rows": rows,
        "requests/s": round(requests / seconds),
    }


def _one(
    driver: Driver, tenant: Tenant, number: int, chance: random.Random, leaving: float
) -> Callable[[], Awaitable[Told | None]]:
    door, text, leaves = chance.choice(DOORS), tenant.text(chance.randrange(TEXTS)), chance.random() < leaving
    ask = Ask(
        text=f"Say: {text}",
        door=door,
        key=tenant.key,
        request_id=f"{tenant.name}-{number}",
        stay=chance.randrange(1, 4) if leaves else None,
    )
    after = chance.uniform(0, 0.05) if leaves and chance.random() < 0.5 else None

    async def asked() -> Told | None:
        call = asyncio.create_task(driver.ask(ask))
        if after is None:
            return await call
        await asyncio.wait([call], timeout=after)
        call.cancel()  # in the middle of anything
        with suppress(asyncio.CancelledError):
            return await call
        return None

    return asked


def _said_to(told: Told) -> str:
    """What the simulator repeats."""
    return told.ask.text.removeprefix("Say: ")


async def _rows(system: System, names: list[str], *, at_least: int) -> int:
    """Of the ledger, once they are all there."""

    def count() -> int:
        query = "SELECT count(*) FROM gateway_app_call WHERE project_name = ANY(%s)"
        return int(system.query(query, names)[0][0])

    await until("the last row", lambda: count() >= at_least, within=60)
    await asyncio.sleep(1)
    return await asyncio.to_thread(count)


def _rows_crossed(system: System) -> list[tuple[object, ...]]:
    """Rows whose request id names another project than they do, and ids that have more than one row."""
    crossed = (
        "SELECT request_id, project_name FROM gateway_app_call WHERE starts_with(request_id, 'tenant') "
        "AND split_part(request_id, '-', 1) <> project_name LIMIT 5"
    )
    doubled = (
        "SELECT request_id, count(*)::text FROM gateway_app_call WHERE starts_with(request_id, 'tenant') "
        "GROUP BY 1 HAVING count(*) > 1 LIMIT 5"
    )
    return system.query(crossed) + system.query(doubled)


def _entries_crossed(system: System) -> list[str]:
    """Cache entries whose text is another's than of the project whose calls have their key."""
    owners = dict(system.query("SELECT DISTINCT cache_key, project_name FROM gateway_app_call"))
    crossed = []
    with system.redis_client() as redis:
        for name in redis.scan_iter(match="gw:1:*", count=1000):
            owner = owners.get(name.decode().rsplit(":", 1)[1], "")
            if owner.startswith("tenant") and owner.encode() not in (redis.get(name) or b""):
                crossed.append(name.decode())
    return crossed
