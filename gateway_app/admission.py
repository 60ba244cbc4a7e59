"""Whether a key may make this call now: exact over all workers, in the round trip that looks up the reply."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn
from uuid import UUID

import msgspec
from msgspec.structs import replace
from redis.exceptions import RedisError

from gateway_app.exceptions import BudgetSpent, ConcurrencyReached, LimitReached, Unavailable
from gateway_app.flight_share import LOCK_MS, RELEASE
from gateway_app.limits import Claim, Lease, Limits, RateLimit, spent_names
from gateway_app.local_limits import LocalLimits
from gateway_app.redis_mux import NoAnswer, RedisMux, Script
from gateway_app.requests import Caller

SCRIPTS = Path(__file__).parent / "lua"
LEASE = 10.0
"""Seconds after which what a killed worker held is free again."""
RENEW = 3.0

Spent = Callable[[str, datetime], Awaitable[tuple[int, int]]]
"""Key id and time -> nano-dollars of that UTC day and month, from the ledger."""


class Admitted(msgspec.Struct, frozen=True, kw_only=True):
    lease: Lease | None
    """None for a reply from the cache, which uses up nothing but a request."""
    leads: bool = False
    """The lock was free, and is the caller's."""
    reply: bytes | None
    rate_limit: RateLimit


class Admission:
    """One for each process and event loop.

    While Redis is away, each of `workers` processes grants its share of the rate limits by itself; a budget
    cannot be checked then, and calls that need one are refused.
    """

    def __init__(self, redis: RedisMux, *, spent: Spent, workers: int) -> None:
        self._redis = redis
        self._spent = spent
        self._local = LocalLimits(workers=workers, clock=time.monotonic)
        self._admit, self._settle, self._renew = (
            Script(redis, (SCRIPTS / f"{name}.lua").read_text()) for name in ("admit", "settle", "renew")
        )
        self._release = Script(redis, RELEASE)
        self._leases: set[Lease] = set()
        self._remembering: dict[str, asyncio.Task[None]] = {}
        self._renewing: asyncio.Task[None] | None = None

    async def admit(
        self,
        caller: Caller,
        call: UUID,
        wanted: Claim,
        *,
        reply_key: str,
        lock: str = "",
        counted: bool = False,
    ) -> Admitted:
        """Reserves `wanted` and gets `lock` for `call` if it is free; or finds the reply under `reply_key`.

        "" is no lock, and no look. `counted`: the request itself was counted before. Raises `LimitReached`,
        `ConcurrencyReached`, `BudgetSpent`, or `Unavailable` where a budget cannot be checked.
        """
        assert caller.key_id is not None, "only keys have limits"
        try:
            limits = replace(caller.limits, requests_per_minute=None) if counted else caller.limits
            answer = await self._ask(caller.key_id, limits, call, wanted, reply_key=reply_key, lock=lock)
        except asyncio.CancelledError:
            self._undo(caller.key_id, call, lock)
            raise
        except NoAnswer:
            self._undo(caller.key_id, call, lock)
            return self._admit_locally(caller, call, wanted)
        except RedisError:
            return self._admit_locally(caller, call, wanted)
        return self._admitted(caller.key_id, caller.limits, call, answer)

    def settle(self, lease: Lease, *, tokens: int, nano_dollars: int) -> None:
        """What was reserved becomes what was used, after an outage of Redis too. Does not wait."""
        self._leases.discard(lease)
        if lease.local:
            self._local.release(lease.key)
            return
        _, _, leases, held, *_ = _keys(lease.key, datetime.now(UTC).date())
        self._settle.send([leases, held], [lease.call, tokens, nano_dollars], again=True)

    def _undo(self, key: str, call: UUID, lock: str) -> None:
        """Gives back what Redis was asked for, for it may have given it."""
        self.settle(Lease(key=key, call=str(call)), tokens=0, nano_dollars=0)
        if lock:
            self._release.send([lock], [str(call)], again=True)

    async def start(self) -> None:
        self._renewing = asyncio.create_task(self._keep_leases(), name="leases")

    async def stop(self) -> None:
        if self._renewing:
            self._renewing.cancel()
        with contextlib.suppress(RedisError):
            await self._redis.call("PING")  # which is answered after all that was settled

    async def _ask(
        self, key: str, limits: Limits, call: UUID, wanted: Claim, *, reply_key: str, lock: str
    ) -> list[Any]:
        now = datetime.now(UTC)
        keys = [*_keys(key, now.date()), reply_key, lock]
        given: list[str | int] = [
            str(call),
            *_numbers(limits),
            wanted.tokens,
            wanted.nano_dollars,
            int(LEASE * 1000),
            LOCK_MS,
        ]
        answer: list[Any] = await self._admit(keys, given)
        if answer[0] != b"unknown":
            return answer
        await self._remember(key, now)
        return list(await self._admit(keys, given))

    async def _remember(self, key: str, now: datetime) -> None:
        """Has the ledger asked, once for all who wait for the same key."""
        asking = self._remembering.get(key)
        if asking is None:
            asking = self._remembering[key] = asyncio.create_task(self._look_up(key, now))
            asking.add_done_callback(lambda done: self._remembered(key, done))
        await asyncio.shield(asking)  # whoever asks first may leave first

    def _remembered(self, key: str, done: asyncio.Task[None]) -> None:
        del self._remembering[key]
        if not done.cancelled():
            done.exception()  # those who wait have it

    async def _look_up(self, key: str, now: datetime) -> None:
        """What the ledger says was spent, where Redis does not know (a new day, a new Redis)."""
        try:
            today, month = await self._spent(key, now)
        except Exception as exc:
            raise Unavailable("what this key has spent cannot be looked up now") from exc
        *_, today_key, month_key = _keys(key, now.date())
        await self._redis.call("SET", today_key, today, "NX", "EX", 2 * 86_400)
        await self._redis.call("SET", month_key, month, "NX", "EX", 62 * 86_400)

    def _admitted(self, key: str, limits: Limits, call: UUID, answer: list[Any]) -> Admitted:
        verdict, wait, reply, *left = answer
        rate_limit = _rate_limit(limits, left)
        if verdict == b"hit":
            return Admitted(lease=None, reply=reply, rate_limit=rate_limit)
        leads = verdict == b"leads"
        if not leads and verdict != b"admitted":
            _refuse(verdict.decode(), limits, wait / 1000, rate_limit)
        lease = Lease(key=key, call=str(call))
        self._leases.add(lease)
        return Admitted(lease=lease, leads=leads, reply=None, rate_limit=rate_limit)

    def _admit_locally(self, caller: Caller, call: UUID, wanted: Claim) -> Admitted:
        if caller.limits.budgeted:
            raise Unavailable("this key's budget cannot be checked now")
        assert caller.key_id is not None
        self._local.admit(caller.key_id, caller.limits, tokens=wanted.tokens)
        lease = Lease(key=caller.key_id, call=str(call), local=True)
        return Admitted(lease=lease, reply=None, rate_limit=RateLimit())

    async def _keep_leases(self) -> None:
        while True:
            await asyncio.sleep(RENEW)
            by_key: dict[str, list[str]] = {}
            for lease in self._leases:
                by_key.setdefault(lease.key, []).append(lease.call)
            for key, calls in by_key.items():
                try:
                    await self._renew([_keys(key, datetime.now(UTC).date())[2]], [int(LEASE * 1000), *calls])
                except RedisError:
                    break  # they run out; the next call finds out about Redis for itself


@lru_cache(maxsize=1024)
def _keys(key: str, day: date) -> tuple[str, str, str, str, str, str]:
    """Redis's keys in the order of the scripts; the hash tag keeps them together in a cluster."""
    base = f"gw:limit:{{{key}}}:"
    names = ("requests", "tokens:", "leases", "held")
    requests, tokens, leases, held = (base + name for name in names)
    return (requests, tokens, leases, held, *spent_names(key, day))


def _numbers(limits: Limits) -> tuple[int, ...]:
    return (
        limits.requests_per_minute or 0,
        limits.tokens_per_minute or 0,
        limits.concurrent_requests or 0,
        -1 if limits.daily_budget is None else limits.daily_budget,
        -1 if limits.monthly_budget is None else limits.monthly_budget,
    )


def _rate_limit(limits: Limits, left: list[int]) -> RateLimit:
    requests_left, requests_reset, tokens_left, tokens_reset = left
    return RateLimit(
        requests=limits.requests_per_minute if requests_left >= 0 else None,
        requests_left=requests_left,
        requests_reset=requests_reset / 1000,
        tokens=limits.tokens_per_minute if tokens_left >= 0 else None,
        tokens_left=max(0, tokens_left),
        tokens_reset=tokens_reset / 1000,
    )


def _refuse(verdict: str, limits: Limits, wait: float, rate_limit: RateLimit) -> NoReturn:
    if verdict == "concurrency":
        raise ConcurrencyReached(
            f"this key has {limits.concurrent_requests} requests under way, and may have no more",
            retry_after=wait,
            rate_limit=rate_limit,
        )
    if verdict in ("daily", "monthly"):
        raise BudgetSpent(f"what is left of this key's {verdict} budget does not cover this call")
    limit = limits.requests_per_minute if verdict == "requests" else limits.tokens_per_minute
    raise LimitReached(
        f"this key may use {limit} {verdict} a minute", retry_after=wait, rate_limit=rate_limit
    )
