"""Moves entries from the Redis Stream into Postgres: in batches, each exactly once, none lost."""

import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Any

import redis
import structlog
from django.db import Error as DatabaseError
from redis.exceptions import OutOfMemoryError, RedisError, ResponseError

from gateway_app import ledger_rows
from gateway_app.ledger import FIELD, STREAM

log = structlog.get_logger()

GROUP = "postgres"
POISON = "gw:ledger:poison"
POISON_BOUND = 10_000
WHY = "why"
"""Beside the fields of an entry that was set aside."""
BATCH = 500
BLOCK_MS = 500
LET_GO = """
redis.call('XACK', KEYS[1], ARGV[1], unpack(ARGV, 2))
return redis.call('XDEL', KEYS[1], unpack(ARGV, 2))
"""
"""Both or neither; in MULTI, a Redis that is full refuses even what makes room."""
ABANDONED_MS = 5_000
"""Entries that another worker took and has not finished for so long are taken over."""

Entries = list[tuple[bytes, dict[bytes, bytes]]]


class LedgerWorker:
    """One consumer of the group; any number may run.

    `written` is told of each batch once it is in Postgres, and must neither wait nor raise.
    """

    def __init__(
        self,
        client: redis.Redis,
        *,
        name: str,
        keep_going: Callable[[], bool],
        written: Callable[[Sequence[bytes]], None] = lambda _: None,
    ) -> None:
        self._redis = client
        self._written = written
        self._name = name
        self._keep_going = keep_going
        self._group_known = False
        self._unfinished = False
        self._claimed_at = 0.0

    def run(self) -> None:
        """Works until `keep_going` says no and the stream is empty or a dependency is away."""
        while True:
            try:
                moved = self.step()
            except Exception as exc:  # calls wait in Redis; without a worker they would for ever
                unforeseen = not isinstance(exc, RedisError | DatabaseError)
                error = f"{type(exc).__name__}: {exc}"[:200]
                log.warning("ledger_worker_waits", error=error, exc_info=unforeseen)
                self._group_known = False
                moved = 0
                self._pause()
            if not self._keep_going() and not moved:
                return

    def step(self) -> int:
        """Moves one batch; returns how many entries it held."""
        if not self._group_known:
            self._create_group()
        self._take_over()
        entries = self._next()
        if entries:
            self._unfinished = True
            self._move(entries)
            self._unfinished = False
        return len(entries)

    def _move(self, entries: Entries) -> None:
        there = {identifier: fields for identifier, fields in entries if fields}
        calls = {identifier: fields.get(FIELD.encode(), b"") for identifier, fields in there.items()}
        refused = ledger_rows.write(list(calls.values()))
        # First what is done with: in a Redis that is full, that makes the room to set anything aside.
        self._let_go([identifier for identifier, _ in entries if calls.get(identifier) not in refused])
        _tell_of_lost(len(entries) - len(there))
        self._written([entry for entry in calls.values() if entry not in refused])
        log.info("ledger_written", entries=len(calls), unreadable=len(refused))
        for identifier, entry in calls.items():
            if entry in refused:
                self._set_aside(identifier, there[identifier], why=refused[entry])

    def _let_go(self, ids: Sequence[bytes]) -> None:
        if ids:
            self._redis.eval(LET_GO, 1, STREAM, GROUP, *ids)

    def _set_aside(self, identifier: bytes, fields: dict[bytes, bytes], *, why: str) -> None:
        """Where Redis is too full for it, it stays unfinished, and its turn comes again."""
        log.warning("ledger_entry_set_aside", id=identifier.decode(), why=why)
        kept: Any = {**fields, WHY: why}
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.xadd(POISON, kept, maxlen=POISON_BOUND, approximate=True)
            pipe.xack(STREAM, GROUP, identifier)
            pipe.xdel(STREAM, identifier)
            with contextlib.suppress(OutOfMemoryError):
                pipe.execute()

    def _create_group(self) -> None:
        with contextlib.suppress(ResponseError):  # it exists
            self._redis.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
        self._group_known = True
        self._claimed_at = 0.0

    def _next(self) -> Entries:
        """New entries, after those that this consumer took and failed to write.

        Of the latter, one that the stream has no longer comes without fields.
        """
        start, block = ("0", None) if self._unfinished else (">", BLOCK_MS if self._keep_going() else None)
        found: Any = self._redis.xreadgroup(GROUP, self._name, {STREAM: start}, count=BATCH, block=block)
        entries: Entries = found[0][1] if found else []
        self._unfinished = self._unfinished and bool(entries)
        return entries

    def _take_over(self) -> None:
        """What this consumer or a dead one took and never finished is now ours to finish.

        It is read again from there on: of an entry that was trimmed meanwhile, Redis 6.2 says here not even
        the id. Redis 7 forgets such entries by itself, and says so this once.
        """
        if time.monotonic() - self._claimed_at < ABANDONED_MS / 2500:
            return
        claimed: Any = self._redis.xautoclaim(
            STREAM, GROUP, self._name, min_idle_time=ABANDONED_MS, count=BATCH
        )
        found, gone = claimed[1], claimed[2] if len(claimed) > 2 else []
        self._unfinished = self._unfinished or bool(found)
        _tell_of_lost(len(gone))
        if len(found) < BATCH:
            self._claimed_at = time.monotonic()

    def _pause(self) -> None:
        until = time.monotonic() + 1.0
        while self._keep_going() and time.monotonic() < until:
            time.sleep(0.05)


def _tell_of_lost(count: int) -> None:
    """They were taken by a worker that never wrote them, and the full stream has forgotten them since."""
    if count:
        log.error("ledger_entries_lost", count=count)
