"""A value in memory that follows the database within a fraction of a second, and outlives its absence."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import structlog
from django.db import connections

from prompts_app.database import reasons

T = TypeVar("T")
R = TypeVar("R")
log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshState:
    """For readiness checks."""

    loaded_at: float | None
    """Unix time of the last load; None while nothing was ever loaded."""
    revision: int | None
    age: float | None
    """Seconds since the database last confirmed that the value is the newest."""
    error: str | None
    """Why the database could not be asked the last time."""


class Refreshed(Generic[T]):
    """Holds what `load` returned, and loads again whenever `revision` returns another number.

    Both are plain functions that may block: each round of them runs in a daemon thread of its own, and never
    two rounds at a time. Whatever they raise leaves the last good value in place.
    """

    def __init__(
        self,
        *,
        load: Callable[[], T],
        revision: Callable[[], int],
        name: str = "snapshot",
        interval: float = 0.3,
        patience: float = 5.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`interval`: seconds between rounds; `patience`: seconds after which a silent one has failed.

        `name` begins the log's events: `<name>_loaded`, `<name>_stale`, `<name>_recovered`.
        """
        self._name = name
        self._load = load
        self._revision = revision
        self._interval = interval
        self._patience = patience
        self._clock = clock
        self._value: T | None = None
        self._seen: int | None = None
        self._loaded_at: float | None = None
        self._confirmed_at: float | None = None
        self._error: str | None = None
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def value(self) -> T | None:
        """The newest value, or None while nothing was ever loaded."""
        return self._value

    @property
    def state(self) -> RefreshState:
        age = None if self._confirmed_at is None else self._clock() - self._confirmed_at
        return RefreshState(loaded_at=self._loaded_at, revision=self._seen, age=age, error=self._error)

    @property
    def running(self) -> bool:
        return self._task is not None

    def refresh(self) -> None:
        """One round, here and now. Raises what the two functions raise."""
        # The revision is asked first: a change between the two only means another load in the next round.
        revision = self._revision()
        if revision != self._seen:
            self._value = self._load()
            self._seen, self._loaded_at = revision, self._clock()
            self._log("loaded", log.info, revision=revision)
        self._confirmed_at = self._clock()

    async def start(self) -> None:
        """Returns after the first round, whether it went well or not; the rounds go on behind."""
        if self._task is None:
            self._stopping = asyncio.Event()
            first = asyncio.Event()
            self._task = asyncio.create_task(self._run(first))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(first.wait(), self._patience)

    async def stop(self) -> None:
        """Waits for the round under way, but not for one that hangs."""
        if self._task is not None:
            task, self._task = self._task, None
            self._stopping.set()
            await asyncio.wait([task], timeout=1.0)
            task.cancel()

    async def _run(self, first: asyncio.Event) -> None:
        while not self._stopping.is_set():
            await self._round()
            first.set()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), self._interval)

    async def _round(self) -> None:
        round_ = asyncio.create_task(in_thread(self.refresh, name=f"refresh-{self._name}"))
        if not (await asyncio.wait([round_], timeout=self._patience))[0]:
            self._note(f"no answer in {self._patience:g} s")
        try:
            await round_
        except Exception as exc:  # noqa: BLE001 - whatever is wrong there, the last value serves on
            self._note(await self._reason(exc))
        else:
            self._note(None)

    async def _reason(self, error: Exception) -> str:
        """Postgres' own where it can be had; what keeps us from asking for it must not end the rounds."""
        with contextlib.suppress(Exception):
            return await in_thread(lambda: reasons.told(error), name=f"reason-{self._name}")
        return f"{type(error).__name__}: {error}"

    def _note(self, error: str | None) -> None:
        if error and not self._error:
            self._log("stale", log.warning, error=error, serving=self._value is not None)
        if self._error and not error:
            self._log("recovered", log.info)
        self._error = error

    def _log(self, what: str, write: Callable[..., None], **facts: object) -> None:
        write(f"{self._name}_{what}", **facts)


async def in_thread(function: Callable[[], R], *, name: str) -> R:
    """What `function` returns or raises, run in a daemon thread of its own whose connections are closed then.

    asyncio waits for its own threads when the process exits, however long a dead database keeps them.
    """
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[R] = loop.create_future()

    def report(settle: Callable[[Any], None], result: object) -> None:
        if not outcome.done():
            settle(result)

    def settle_later(settle: Callable[[Any], None], result: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(report, settle, result)

    def run() -> None:
        try:
            try:
                result = function()
            finally:
                connections.close_all()
        except Exception as exc:  # noqa: BLE001 - handed to the waiter
            settle_later(outcome.set_exception, exc)
        else:
            settle_later(outcome.set_result, result)

    threading.Thread(target=run, name=name, daemon=True).start()
    return await outcome
