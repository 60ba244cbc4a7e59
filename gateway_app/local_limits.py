"""Rate limits of one process by itself, for the time that Redis is away: each worker grants its share."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil

from gateway_app.exceptions import ConcurrencyReached, LimitReached
from gateway_app.limits import Limits

MINUTE = 60.0


@dataclass(slots=True)
class _Used:
    requests: deque[float] = field(default_factory=deque)
    under_way: int = 0
    minute: int = -1
    tokens: int = 0


@dataclass(slots=True, kw_only=True)
class LocalLimits:
    """All `workers` together grant what the limit says, rounded up to one for each worker."""

    workers: int
    clock: Callable[[], float]
    _keys: dict[str, _Used] = field(default_factory=dict)

    def admit(self, key: str, limits: Limits, *, tokens: int) -> None:
        """Raises `LimitReached` or `ConcurrencyReached`. What is admitted is released by `release`."""
        used, now = self._keys.setdefault(key, _Used()), self.clock()
        self._check_requests(used, limits.requests_per_minute, now)
        if limits.concurrent_requests and used.under_way >= self._share(limits.concurrent_requests):
            raise ConcurrencyReached("this key may have no more requests under way", retry_after=1.0)
        self._check_tokens(used, limits.tokens_per_minute, now, tokens)
        used.requests.append(now)
        used.under_way += 1
        used.tokens += tokens

    def release(self, key: str) -> None:
        self._keys[key].under_way -= 1

    def _check_requests(self, used: _Used, limit: int | None, now: float) -> None:
        while used.requests and used.requests[0] <= now - MINUTE:
            used.requests.popleft()
        if limit and len(used.requests) >= self._share(limit):
            wait = used.requests[0] + MINUTE - now
            raise LimitReached(f"this key may use {limit} requests a minute", retry_after=wait)

    def _check_tokens(self, used: _Used, limit: int | None, now: float, tokens: int) -> None:
        minute = int(now // MINUTE)
        if used.minute != minute:
            used.minute, used.tokens = minute, 0
        if limit and used.tokens + tokens > self._share(limit):
            wait = (minute + 1) * MINUTE - now
            raise LimitReached(f"this key may use {limit} tokens a minute", retry_after=wait)

    def _share(self, limit: int) -> int:
        return ceil(limit / self.workers)
