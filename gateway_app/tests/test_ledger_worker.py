"""The ledger worker outlives whatever lies in the stream, and whatever Redis and Postgres say to it."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest
import redis as sync_redis
from django.db import Error, connection
from structlog.testing import capture_logs

from gateway_app import ledger_rows
from gateway_app.ledger import FIELD, STREAM
from gateway_app.ledger_worker import ABANDONED_MS, GROUP, POISON, WHY, LedgerWorker
from gateway_app.models import Call
from gateway_app.rollups import roll_up_due
from gateway_app.tests.ledger_calls import call, encode
from llmgateway import embedded

pytestmark = pytest.mark.django_db(transaction=True)

Entry = dict[str, bytes]


@pytest.fixture
def stream(redis_server: embedded.Server) -> Iterator["sync_redis.Redis"]:
    with sync_redis.Redis.from_url(redis_server.url) as client:
        client.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
        yield client


def add(stream: "sync_redis.Redis", *entries: Entry) -> None:
    for entry in entries:
        stream.xadd(STREAM, entry)  # type: ignore[arg-type]


def good(name: str) -> Entry:
    return {FIELD: encode(call(name))}


def but(**wrong: Any) -> bytes:
    """A call that is as it should be, but for that."""
    return msgspec.json.encode(msgspec.json.decode(encode(call("hostile"))) | wrong)


def nested(depth: int) -> bytes:
    return but(parameters={"x": "HERE"}).replace(b'"HERE"', b"[" * depth + b"]" * depth)


def work(stream: "sync_redis.Redis") -> list[Any]:
    """All that there is to do, once; returns what was logged."""
    with capture_logs() as logged:
        LedgerWorker(stream, name="test", keep_going=lambda: False).run()
    return logged


@contextmanager
def working(stream: "sync_redis.Redis") -> Iterator[Callable[[], bool]]:
    """A worker for the meantime; tells whether it had to wait so far."""
    over = threading.Event()
    worker = LedgerWorker(stream, name="test", keep_going=lambda: not over.is_set())
    thread = threading.Thread(target=worker.run)
    with capture_logs() as logged:
        thread.start()
        try:
            yield lambda: any(line["event"] == "ledger_worker_waits" for line in logged)
            assert thread.is_alive()
        finally:
            over.set()
            thread.join()


def until(condition: Callable[[], object], *, within: float = 10.0) -> None:
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def rows() -> set[str]:
    return set(Call.objects.values_list("request_id", flat=True))


def pending(stream: "sync_redis.Redis") -> int:
    found: Any = stream.xpending(STREAM, GROUP)
    return int(found["pending"])


def set_aside(stream: "sync_redis.Redis") -> list[dict[bytes, bytes]]:
    found: Any = stream.xrange(POISON)
    return [fields for _, fields in found]


HOSTILE: dict[str, Entry] = {
    **{
        name: {FIELD: value}
        for name, value in {
            "empty": b"",
            "NUL": b"\0",
            "not UTF-8": b'"\xff"',
            "half a character": b'{"id": "\\ud800"}',
            "half an object": b'{"id": ',
            "a list": b"[]",
            "null": b"null",
            "msgpack": msgspec.msgpack.encode(call()),
            "huge": b"x" * 5_000_000,
            "nested": nested(3_000),
            "nested without end": nested(200_000),
            "without an id": but(id=None),
            "time that is a word": but(latency="long"),
            "infinite moment": but(created_at="infinity"),
            "infinite time": but(latency=1e308),
            "infinite money": but(cost_usd="Infinity"),
            "money that is no number": but(saved_usd="NaN"),
            "project that cannot be": but(project_id=2**70),
            "number without end": but(parameters={"x": "HERE"}).replace(b'"HERE"', b"9" * 5_000),
            "date before the first": but(created_at="0001-01-01T00:00:00+14:00"),
            "date after the last": but(created_at="9999-12-31T23:00:00-14:00"),
            "content that never goes": but(
                project_id=1, content={"messages": [], "reply": "", "tool_calls": [], "days": 10**9}
            ),
            "content nested": but(
                project_id=1,
                content={
                    "messages": [],
                    "reply": "",
                    "tool_calls": [],
                    "days": 1,
                    "variables": {"x": "HERE"},
                },
            ).replace(b'"HERE"', b"[" * 900 + b"]" * 900),
        }.items()
    },
    "another field": {"other": b"x"},
    "a field without a name": {"": b""},
}


def test_no_entry_whatever_holds_up_the_others(stream: "sync_redis.Redis") -> None:
    for number, hostile in enumerate(HOSTILE.values()):
        add(stream, good(f"good-{number}"), hostile)
    work(stream)
    assert rows() == {f"good-{number}" for number in range(len(HOSTILE))}
    assert (stream.xlen(STREAM), pending(stream)) == (0, 0)
    aside = set_aside(stream)
    reasons = [fields.pop(WHY.encode()) for fields in aside]
    assert all(reasons)
    assert sorted(aside, key=repr) == sorted(
        ({name.encode(): value for name, value in entry.items()} for entry in HOSTILE.values()), key=repr
    )
    assert roll_up_due() == 1


def test_what_was_trimmed_before_its_worker_wrote_it_is_lost_once_and_holds_up_nobody(
    stream: "sync_redis.Redis",
) -> None:
    add(stream, good("lost-1"), good("lost-2"))
    stream.xreadgroup(GROUP, "dead", {STREAM: ">"})
    ids = [one["message_id"] for one in stream.xpending_range(STREAM, GROUP, "-", "+", 10)]  # type: ignore[union-attr]
    stream.xclaim(STREAM, GROUP, "dead", 0, ids, idle=ABANDONED_MS + 1)
    stream.xtrim(STREAM, maxlen=0, approximate=False)
    add(stream, good("next"))
    logged = work(stream) + work(stream)
    assert [line["count"] for line in logged if line["event"] == "ledger_entries_lost"] == [2]
    assert (rows(), pending(stream), set_aside(stream)) == ({"next"}, 0, [])


def test_a_redis_that_is_full_of_calls_is_emptied_though_one_cannot_be_set_aside(
    stream: "sync_redis.Redis",
) -> None:
    add(stream, {FIELD: b"{"}, good("first"), good("second"))
    stream.config_set("maxmemory", 1)
    work(stream)
    assert (rows(), stream.xlen(STREAM), set_aside(stream)) == ({"first", "second"}, 1, [])
    stream.config_set("maxmemory", 0)
    ids = [one["message_id"] for one in stream.xpending_range(STREAM, GROUP, "-", "+", 10)]  # type: ignore[union-attr]
    stream.xclaim(STREAM, GROUP, "test", 0, ids, idle=ABANDONED_MS + 1)
    work(stream)
    assert (stream.xlen(STREAM), [fields[FIELD.encode()] for fields in set_aside(stream)]) == (0, [b"{"])


@pytest.mark.parametrize("stale", ["yes", "no"], ids=["READONLY", "MASTERDOWN"])
def test_a_redis_that_became_a_replica_is_waited_for(stream: "sync_redis.Redis", stale: str) -> None:
    add(stream, good("r"))
    stream.config_set("replica-serve-stale-data", stale)
    stream.replicaof("127.0.0.1", 1)  # type: ignore[no-untyped-call]
    with working(stream) as has_waited:
        until(has_waited)
        stream.replicaof("NO", "ONE")  # type: ignore[no-untyped-call]
        until(lambda: rows() == {"r"})


def test_a_redis_that_still_loads_is_waited_for(stream: "sync_redis.Redis") -> None:
    # It listens to others after each 2 MB.
    stream.mset({f"filler-{number}": os.urandom(1_000_000) for number in range(16)})
    stream.config_set("key-load-delay", 100_000)  # microseconds
    add(stream, good("r"))
    loading = threading.Thread(target=stream.execute_command, args=("DEBUG", "RELOAD"))
    loading.start()
    with working(stream) as has_waited:
        until(has_waited)
        until(lambda: rows() == {"r"})
    loading.join()


@contextmanager
def refusing(state: str) -> Iterator[None]:
    """Postgres answers every call that is to be written with that SQLSTATE."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{state}'; END$$"
        )
        cursor.execute("CREATE TRIGGER refuses BEFORE INSERT ON gateway_app_call EXECUTE FUNCTION refuse()")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION refuse CASCADE")


AWAY = {
    "25006": "read-only",
    "40P01": "deadlock",
    "42P01": "not migrated yet",
    "53100": "disk full",
    "53200": "out of memory",
    "53300": "too many connections",
    "57P03": "starting up",
    "58030": "I/O error",
    "XX000": "internal error",
}


@pytest.mark.parametrize("state", AWAY, ids=AWAY.values())
def test_trouble_of_postgres_is_put_on_no_entry(state: str) -> None:
    with refusing(state), pytest.raises(Error):
        ledger_rows.store([encode(call())])
    assert ledger_rows.store([encode(call())]) == {}


def test_a_postgres_whose_disk_is_full_is_waited_for(stream: "sync_redis.Redis") -> None:
    add(stream, good("r"), {FIELD: b"{"})
    with working(stream) as has_waited:
        with refusing("53100"):
            until(has_waited)
        until(lambda: rows() == {"r"})
    assert len(set_aside(stream)) == 1
