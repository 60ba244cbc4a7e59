"""Which models are left alone for a while because they keep failing; all workers know within a second."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog
from redis.exceptions import RedisError

from gateway_app.redis_mux import RedisMux

log = structlog.get_logger()

HASH = "gw:circuits"
"""Field `<provider>/<model>`, value the Unix time until which it is open."""


@dataclass(slots=True)
class Circuit:
    failures: int = 0
    """In a row."""
    open_until: float = 0.0
    """Unix seconds; after it, one probe at a time decides."""
    shared: bool = False
    """Seen in Redis: when it is gone from there, somebody has closed it."""


@dataclass(kw_only=True)
class Circuits:
    """Opens after `threshold` failures in a row, for `pause` seconds, in all workers that share a Redis."""

    shared: RedisMux | None = None
    """None: this process alone."""
    threshold: int = 5
    pause: float = 10.0
    interval: float = 0.5
    clock: Callable[[], float] = time.time
    _circuits: dict[str, Circuit] = field(default_factory=dict)
    _telling: set[asyncio.Task[None]] = field(default_factory=set)
    _following: asyncio.Task[None] | None = None

    def allows(self, name: str) -> bool:
        circuit = self._circuits.get(name)
        if circuit is None or circuit.failures < self.threshold:
            return True
        now = self.clock()
        if now < circuit.open_until:
            return False
        # This caller is the probe; the others go on waiting until it has come back.
        circuit.open_until = now + self.pause
        return True

    def failed(self, name: str) -> None:
        circuit = self._circuits.setdefault(name, Circuit())
        circuit.failures += 1
        if circuit.failures >= self.threshold:
            if circuit.failures == self.threshold:
                log.warning("circuit_opened", circuit=name, seconds=self.pause)
            circuit.open_until = self.clock() + self.pause
            self._tell(name, circuit.open_until)

    def succeeded(self, name: str) -> None:
        circuit = self._circuits.pop(name, None)
        if circuit is not None and circuit.failures >= self.threshold:
            log.info("circuit_closed", circuit=name)
            self._tell(name, None)

    def open_now(self) -> list[str]:
        now = self.clock()
        return sorted(
            name
            for name, circuit in self._circuits.items()
            if circuit.failures >= self.threshold and now < circuit.open_until
        )

    async def start(self) -> None:
        if self.shared is not None:
            self._following = asyncio.create_task(self._follow(self.shared), name="circuits")

    async def stop(self) -> None:
        tasks = [*self._telling, *([self._following] if self._following else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _tell(self, name: str, until: float | None) -> None:
        if self.shared is not None:
            task = asyncio.get_running_loop().create_task(self._write(self.shared, name, until))
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)

    async def _write(self, client: RedisMux, name: str, until: float | None) -> None:
        with contextlib.suppress(RedisError):
            if until is None:
                await client.call("HDEL", HASH, name)
            else:
                await client.call("HSET", HASH, name, until)

    async def _follow(self, client: RedisMux) -> None:
        while True:
            with contextlib.suppress(RedisError, ValueError):
                told = await client.call("HGETALL", HASH)
                pairs = zip(told[::2], told[1::2], strict=True)
                self._learn({name.decode(): float(until) for name, until in pairs})
            await asyncio.sleep(self.interval)

    def _learn(self, told: dict[str, float]) -> None:
        """What other workers have opened; what they have closed is closed here too."""
        now = self.clock()
        for name, until in told.items():
            circuit = self._circuits.setdefault(name, Circuit())
            if until > now:
                circuit.failures = max(circuit.failures, self.threshold)
                circuit.open_until = max(circuit.open_until, until)
                circuit.shared = True
        for name in self.open_now():
            if name not in told and self._circuits[name].shared:
                self._circuits.pop(name)
