"""The vendor does everything that a vendor can do wrong; callers are told the truth, in time."""

import asyncio
from dataclasses import dataclass

from torture.driver import Ask, Door, Told, driving
from torture.load import shown, until, verdicts
from torture.proxy import FaultKind
from torture.rows import Figures
from torture.system import System

DEADLINE = 12.0
"""Seconds: `REQUEST_TIMEOUT` of this row."""
DOORS: tuple[Door, ...] = ("rest", "sse", "v1", "v1_stream", "ws")
LONG = "Say: " + "the sea is wide and the boats are small and far apart " * 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """One way to go wrong, and what may be told of it."""

    fault: str
    codes: frozenset[str]
    answers: bool = False
    """Some callers may get a whole reply all the same."""
    once_spoken: bool = False
    """It happens after the first text of a stream, so that there is no other try."""


TIMEOUT = frozenset(("provider_timeout",))
BROKEN = frozenset(("provider_bad_reply", "provider_unavailable", "provider_error"))
BUSY = frozenset(("provider_rate_limited", "rate_limit_exceeded"))
WRONGS = (
    Wrong(fault="hang", codes=TIMEOUT),
    Wrong(fault="latency ms=60000", codes=TIMEOUT),
    Wrong(fault="stall after=2", codes=TIMEOUT, once_spoken=True),
    Wrong(fault="drip ms=300", codes=TIMEOUT),
    Wrong(fault="cut after=2", codes=BROKEN, once_spoken=True),
    Wrong(fault="reset after=2", codes=BROKEN, once_spoken=True),
    Wrong(fault="no_finish", codes=BROKEN, once_spoken=True),
    Wrong(fault="malformed after=1", codes=BROKEN, once_spoken=True),
    Wrong(fault="malformed after=0", codes=BROKEN),
    Wrong(fault="invalid_utf8 after=0", codes=BROKEN),
    Wrong(fault="wrong_type", codes=BROKEN),
    Wrong(fault="empty", codes=BROKEN),
    Wrong(fault="error_event after=2", codes=BROKEN, once_spoken=True),
    Wrong(fault="429", codes=BUSY),
    Wrong(fault="429 retry=1", codes=BUSY),
    Wrong(fault="429 retry=60", codes=BUSY),
    Wrong(fault="500", codes=BROKEN),
    Wrong(fault="502", codes=BROKEN),
    Wrong(fault="503", codes=BROKEN),
    Wrong(fault="504", codes=BROKEN | TIMEOUT),
)
LINK_FAULTS: tuple[tuple[FaultKind, dict[str, float], frozenset[str]], ...] = (
    ("refuse", {}, BROKEN),
    ("hang", {}, TIMEOUT),
    ("stall", {"after": 400}, TIMEOUT | BROKEN),
    ("cut", {"after": 400}, BROKEN),
    ("reset", {"after": 400}, BROKEN),
    ("drip", {"ms": 100}, TIMEOUT),
)


async def answers_are_wrong(system: System, *, each: int = 4, wrongs: tuple[Wrong, ...] = WRONGS) -> Figures:
    """Late, cut, broken, refused: the right error within the deadline and a second, and no false end."""
    (key,) = await system.new_keys({"project": "vendor"})
    slowest, asked, bad = 0.0, 0, []
    async with driving(system.stack.url) as driver:
        asks = [
            (wrong, Ask(text=f"{LONG} {number} [[fault:{wrong.fault}]]", door=door, key=key))
            for wrong in wrongs
            for door in DOORS
            for number in range(each)
        ]
        told = await asyncio.gather(*(driver.ask(ask, timeout=DEADLINE + 10) for _, ask in asks))
    for (wrong, _), one in zip(asks, told, strict=True):
        asked += 1
        slowest = max(slowest, one.took)
        if problem := _problem(wrong, one):
            bad.append(f"{wrong.fault}: {problem} ({one})")
    assert not bad, f"{len(bad)} of {asked}: {shown(bad, 12)}"
    spoken = [(wrong, one) for (wrong, _), one in zip(asks, told, strict=True) if wrong.once_spoken]
    await _no_retry_after_the_first_byte(system, spoken)
    await asyncio.to_thread(_nothing_cached, system)
    return {"faults": len(wrongs), "calls": asked, "slowest, s": slowest, "told": verdicts(told)}


async def its_connection_fails(system: System, *, each: int = 4) -> Figures:
    """Refused, silent, cut, reset or dripping below HTTP."""
    (key,) = await system.new_keys({"project": "vendor-link"})
    bad, slowest, seen = [], 0.0, []
    async with driving(system.stack.url) as driver:
        for kind, options, codes in LINK_FAULTS:
            await asyncio.to_thread(system.fault, "vendor", kind, **options)
            asks = [
                Ask(text=f"{LONG} {kind} {number}", door=door, key=key)
                for door in DOORS
                for number in range(each)
            ]
            told = await asyncio.gather(*(driver.ask(ask, timeout=DEADLINE + 10) for ask in asks))
            await asyncio.to_thread(system.fault, "vendor", "refuse")
            await asyncio.to_thread(system.fault, "vendor")
            wrong = Wrong(fault=kind, codes=codes)
            bad += [f"{kind}: {problem} ({one})" for one in told if (problem := _problem(wrong, one))]
            slowest = max(slowest, *(one.took for one in told))
            seen += told
            back = await driver.ask(Ask(text=f"Say: back after {kind}", key=key))
            assert back.ok, f"not normal again after {kind}: {back}"
    assert not bad, f"{len(bad)} of {len(seen)}: {shown(bad, 12)}"
    await asyncio.to_thread(_nothing_cached, system, "vendor-link")
    return {"faults": len(LINK_FAULTS), "calls": len(seen), "slowest, s": slowest, "told": verdicts(seen)}


def _problem(wrong: Wrong, told: Told) -> str | None:
    """What is wrong with how the failure was told."""
    if told.took > DEADLINE + 1:
        return "too late"
    if told.broken:
        return "cut without a word"
    if told.falsely_whole:
        return "an error and a clean end"
    if told.ended:
        return "a clean end" if told.text != told.ask.text.removeprefix("Say: ") else None
    if told.code not in wrong.codes:
        return f"told {told.code}"
    if wrong.fault == "429 retry=60" and told.status == 429 and not told.retry_after:
        return "the vendor's delay is not passed on"
    return None


async def _no_retry_after_the_first_byte(system: System, spoken: list[tuple[Wrong, Told]]) -> None:
    """Streams that had text have one attempt in the ledger."""
    query = (
        "SELECT error_code, max(jsonb_array_length(attempts)) FROM gateway_app_call "
        "WHERE project_name = 'vendor' AND streamed AND time_to_first_token_ms IS NOT NULL "
        "AND outcome = 'error' GROUP BY 1"
    )
    heard = sum(1 for _, one in spoken if one.pieces and one.code)
    await until("rows", lambda: system.query(query), within=10)
    rows = await asyncio.to_thread(system.query, query)
    assert heard, "no stream broke after its first text"
    assert all(most == 1 for _, most in rows), f"asked again after the first text: {rows}"


def _nothing_cached(system: System, project: str = "vendor") -> None:
    query = "SELECT DISTINCT cache_key FROM gateway_app_call WHERE project_name = %s AND outcome <> 'ok'"
    with system.redis_client() as redis:
        kept = [key for (key,) in system.query(query, project) if key and redis.exists(f"gw:1:{key}")]
    assert not kept, f"failures were cached: {kept[:3]}"
