"""The ledger has every finished call exactly once, whatever dies."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import msgspec
import pytest
import redis as sync_redis
import yaml
from msgspec.structs import replace

from gateway_app.calls import Call
from gateway_app.content import Content
from gateway_app.ledger import BOUND, FIELD, STREAM, STREAM_BOUND, Ledger
from gateway_app.records import Attempt, CallRecord, Step
from gateway_app.requests import Caller, ChatRequest
from gateway_app.tests.conftest import until
from llmgateway import embedded
from llmgateway.env import ROOT


@dataclass
class Direct:
    """Stands where Postgres is; may be away."""

    entries: list[bytes] = field(default_factory=list)
    away: bool = False

    async def write(self, entries: Sequence[bytes]) -> None:
        if self.away:
            raise ConnectionError("away")
        self.entries += entries

    def ids(self) -> set[str]:
        return {read(entry) for entry in self.entries}


@pytest.fixture
def direct() -> Direct:
    return Direct()


@pytest.fixture
async def ledger(redis_server: embedded.Server, direct: Direct) -> AsyncIterator[Ledger]:
    running = Ledger(redis_server.url, write_directly=direct.write)
    await running.start()
    yield running
    await running.stop(within=1.0)


def record(name: str) -> CallRecord:
    caller = Caller(project_id=None, project="p")
    return Call(ChatRequest(request_id=name, caller=caller, surface="chat", stream=False)).record()


def usual(name: str) -> CallRecord:
    """With all that a call of a key has, but no content."""
    vendor, model = "gemini", "gemini-2.5-flash"
    return replace(
        record(name * 36),
        project_id=12,
        key_id="0123456789ab",
        key_name="production",
        prompt_name="ticket-classifier",
        prompt_version="v12",
        provider=vendor,
        model=model,
        model_served=model,
        cache="MISS",
        cache_key="0" * 64,
        unit_hash="0" * 16,
        session_id="0" * 36,
        trace_id="0" * 32,
        attempts=(Attempt(provider=vendor, model=model, seconds=0.512345678, at=0.00123456789),),
        steps=tuple(Step(name=step, at=0.00123456789) for step in ("admit", "resolve", "cache")),
    )


def read(entry: bytes) -> str:
    return msgspec.json.decode(entry, type=CallRecord).request_id


def in_stream(redis_server: embedded.Server) -> list[str]:
    with sync_redis.Redis.from_url(redis_server.url) as client:
        return [read(fields[FIELD.encode()]) for _, fields in client.xrange(STREAM)]  # type: ignore[union-attr]


def names(count: int, prefix: str = "r") -> list[str]:
    return [f"{prefix}-{number}" for number in range(count)]


async def test_a_call_whose_content_cannot_be_masked_is_kept_without_it(
    ledger: Ledger, redis_server: embedded.Server
) -> None:
    endless: list[object] = []
    for _ in range(400):
        endless = [endless]
    endless_too = Content(messages=(), reply=None, tool_calls=(), days=1, variables={"a": endless})
    depth = sys.getrecursionlimit()
    sys.setrecursionlimit(400)
    try:
        ledger.append(replace(record("deep"), content=endless_too))
    finally:
        sys.setrecursionlimit(depth)
    ledger.append(record("next"))
    await until(lambda: in_stream(redis_server) == ["deep", "next"])


async def test_an_entry_is_in_redis_in_the_order_of_the_calls(
    ledger: Ledger, redis_server: embedded.Server
) -> None:
    for name in names(100):
        ledger.append(record(name))
    await until(lambda: ledger.unwritten == 0)
    assert in_stream(redis_server) == names(100)


@pytest.mark.parametrize("sent", ["await asyncio.sleep(0)", "ledger.flush()"])
async def test_an_entry_outlives_a_process_that_is_killed_as_soon_as_it_is_sent(
    redis_server: embedded.Server, sent: str
) -> None:
    script = f"""
import asyncio, os, signal
from gateway_app.ledger import Ledger
from gateway_app.tests.test_ledger import record, names
async def main():
    ledger = Ledger({redis_server.url!r}, write_directly=None)
    await ledger.start()
    for name in names(50):
        ledger.append(record(name))
    {sent}
    os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", script)
    assert await process.wait() == -signal.SIGKILL
    assert in_stream(redis_server) == names(50)


async def test_while_redis_is_away_entries_go_to_postgres(
    ledger: Ledger, redis_server: embedded.Server, direct: Direct
) -> None:
    redis_server.child.kill()
    for name in names(20):
        ledger.append(record(name))
    await until(lambda: direct.ids() == set(names(20)), within=5)
    assert ledger.unwritten == 0


async def test_the_streams_readers_hear_of_what_postgres_got_meanwhile(
    ledger: Ledger, redis_server: embedded.Server, direct: Direct
) -> None:
    redis_server.child.kill()
    for name in names(20):
        ledger.append(record(name))
    await until(lambda: direct.ids() == set(names(20)), within=5)
    redis_server.child.start()
    await until(lambda: ledger.connected and set(in_stream(redis_server)) >= set(names(20)), within=10)


async def test_what_a_hanging_redis_never_acknowledged_is_written_again(
    ledger: Ledger, redis_server: embedded.Server, direct: Direct
) -> None:
    assert redis_server.child.pid
    os.kill(redis_server.child.pid, signal.SIGSTOP)
    for name in names(20):
        ledger.append(record(name))
    await until(lambda: direct.ids() == set(names(20)), within=8)
    os.kill(redis_server.child.pid, signal.SIGCONT)


async def test_while_both_are_away_entries_wait(
    ledger: Ledger, redis_server: embedded.Server, direct: Direct
) -> None:
    direct.away = True
    redis_server.child.kill()
    for name in names(20):
        ledger.append(record(name))
    await asyncio.sleep(0.6)
    assert ledger.unwritten == 20
    direct.away = False
    await until(lambda: direct.ids() == set(names(20)), within=5)


async def test_a_full_redis_loses_nothing(
    ledger: Ledger, redis_server: embedded.Server, direct: Direct
) -> None:
    with sync_redis.Redis.from_url(redis_server.url) as client:
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("maxmemory", 1)
    for name in names(20):
        ledger.append(record(name))
    await until(lambda: direct.ids() == set(names(20)), within=5)


def test_what_the_stream_holds_at_most_fits_into_the_redis_of_compose(redis_server: embedded.Server) -> None:
    found = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["redis"]
    room = found["command"][found["command"].index("--maxmemory") + 1]
    entry, count = msgspec.json.encode(usual("r")), 10_000
    with sync_redis.Redis.from_url(redis_server.url) as client:
        with client.pipeline() as pipe:
            for _ in range(count):
                pipe.xadd(STREAM, {FIELD: entry})
            pipe.execute()
        each = int(client.memory_usage(STREAM, samples=0)) / count  # type: ignore[call-overload]
    assert 1_200 < each < 1_600
    assert each * STREAM_BOUND < int(room.removesuffix("gb")) * 2**30


async def test_what_waits_is_bounded_and_what_falls_out_is_counted(direct: Direct) -> None:
    lonely = Ledger("redis://127.0.0.1:9/0", write_directly=direct.write)
    entry = record("r")
    for _ in range(BOUND + 5):
        lonely.append(entry)
    assert (lonely.unwritten, lonely.dropped) == (BOUND, 5)


async def test_stopping_hands_over_what_is_left(redis_server: embedded.Server, direct: Direct) -> None:
    running = Ledger(redis_server.url, write_directly=direct.write)
    await running.start()
    redis_server.child.kill()
    for name in names(20):
        running.append(record(name))
    await running.stop()
    assert direct.ids() == set(names(20))
