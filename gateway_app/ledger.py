"""Hands finished calls to the ledger without making anybody wait, and without losing one.

An entry's bytes are with the kernel before the reply's last byte, so that a killed worker loses no finished
call: those of one turn of the event loop go there together, and a reply's end waits for that. What Redis
has not acknowledged is kept; while Redis is away or full, it goes straight to Postgres, and through Redis
too once that is back, so that the stream's readers hear of it; while both are away, the newest `BOUND`
entries wait and the rest is counted in `dropped`.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

import hiredis
import msgspec
import structlog
from msgspec.structs import replace

from gateway_app.content import masked
from gateway_app.masking import Masks
from gateway_app.records import CallRecord
from gateway_app.redis_pipe import RedisPipe

log = structlog.get_logger()

STREAM = "gw:ledger"
FIELD = "call"
STREAM_BOUND = 1_000_000
"""Entries that the stream holds while nobody moves them to Postgres; beyond it Redis forgets the oldest.

Without content they take 1.6 KB each: a Redis of less than 2 GB is full before, and refuses the newest.
"""
BOUND = 10_000
CONNECT_TIMEOUT = 1.0
ACKNOWLEDGED_WITHIN = 2.0
TICK = 0.25
BATCH = 500

_encode = msgspec.json.Encoder().encode
WriteBatch = Callable[[Sequence[bytes]], Awaitable[None]]


class Ledger:
    """One for each process and event loop.

    `write_directly` stores encoded entries in Postgres, idempotently.
    """

    def __init__(self, url: str, *, write_directly: WriteBatch, masks: Masks = ()) -> None:
        self._url = url
        self._masks = masks
        self._write_directly = write_directly
        self._pipe: RedisPipe | None = None
        self._sent: deque[bytes] = deque()
        self._waiting: deque[bytes] = deque()
        self._untold: deque[bytes] = deque(maxlen=BOUND)
        """What Postgres has and the stream's readers have not heard of."""
        self._acknowledged_at = 0.0
        self._task: asyncio.Task[None] | None = None
        self._refused = False
        self.dropped = 0

    @property
    def unwritten(self) -> int:
        """Entries that nobody has confirmed yet."""
        return len(self._sent) + len(self._waiting)

    @property
    def connected(self) -> bool:
        return self._pipe is not None and not self._refused

    def append(self, record: CallRecord) -> None:
        """Never raises, never waits. Content that cannot be masked is not kept; its call is."""
        try:
            content = record.content and masked(record.content, self._masks)
        except Exception:
            log.exception("content_not_kept", call=str(record.id))
            content = None
        entry = _encode(replace(record, content=content) if record.content else record)
        if self.connected:
            self._send(entry)
        else:
            self._waiting.append(entry)
        if self.unwritten > BOUND:
            (self._waiting or self._sent).popleft()
            self.dropped += 1

    def flush(self) -> None:
        """What was appended is with the kernel, even if this turn of the loop is the process's last."""
        if self._pipe is not None:
            self._pipe.flush()

    def _send(self, entry: bytes) -> None:
        assert self._pipe is not None
        if not self._sent:
            self._acknowledged_at = time.monotonic()
        self._sent.append(entry)
        self._pipe.send("XADD", STREAM, "MAXLEN", "~", str(STREAM_BOUND), "*", FIELD, entry)

    async def start(self) -> None:
        await self._connect()
        self._task = asyncio.create_task(self._keep_going(), name="ledger")

    async def stop(self, *, within: float = 4.0) -> None:
        """Waits for acknowledgements, then writes the rest to Postgres, for `within` seconds at the most."""
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._drain()
        if self.unwritten or self.dropped:
            log.error("ledger_entries_lost", count=self.unwritten + self.dropped)
        pipe, self._pipe = self._pipe, None
        if pipe:
            pipe.close()

    async def _drain(self) -> None:
        while self._sent and not self._stalled():  # noqa: ASYNC110 - acknowledgements come in a callback
            await asyncio.sleep(0.01)
        self._take_back()
        while self._waiting:
            await self._write_some()

    async def _keep_going(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            if self._stalled() and self._pipe:
                self._pipe.close()
                self._lost()
            if self._pipe is None:
                await self._connect()
            if self._waiting:
                await self._write_some()
            elif self.connected:
                self._tell_some()
            self._refused = False

    async def _connect(self) -> None:
        try:
            self._pipe = await RedisPipe.connect(
                self._url, on_reply=self._replied, on_lost=self._lost, timeout=CONNECT_TIMEOUT
            )
        except OSError:
            return
        log.info("ledger_connected", waiting=len(self._waiting))

    async def _write_some(self) -> None:
        """The oldest waiting entries, to Redis where it is there, else to Postgres."""
        batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
        if self.connected:
            for entry in batch:
                self._send(entry)
            return
        try:
            await self._write_directly(batch)
        except BaseException as exc:  # a cancellation too: the entries must not be lost
            self._waiting.extendleft(reversed(batch))
            if not isinstance(exc, Exception):
                raise
            log.warning("ledger_waits", entries=len(self._waiting), error=type(exc).__name__)
            await asyncio.sleep(1.0)
        else:
            self._untold.extend(batch)

    def _tell_some(self) -> None:
        """Their rows are there already, and an entry becomes no second one."""
        for _ in range(min(BATCH, len(self._untold))):
            self._send(self._untold.popleft())

    def _replied(self, reply: object) -> None:
        self._acknowledged_at = time.monotonic()
        if not self._sent:
            return
        entry = self._sent.popleft()
        if isinstance(reply, hiredis.HiredisError):
            self._refused = True
            self._waiting.append(entry)
            log.warning("ledger_refused", error=str(reply)[:200])

    def _stalled(self) -> bool:
        waited = time.monotonic() - self._acknowledged_at
        return bool(self._sent) and (self._pipe is None or waited > ACKNOWLEDGED_WITHIN)

    def _lost(self) -> None:
        if self._pipe is not None:
            self._pipe = None
            log.warning("ledger_disconnected", unacknowledged=len(self._sent))
        self._take_back()

    def _take_back(self) -> None:
        """Unacknowledged entries wait again: perhaps written twice, which the ledger's key makes once."""
        self._waiting.extendleft(reversed(self._sent))
        self._sent.clear()
