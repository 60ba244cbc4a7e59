"""How many finished calls a second the ledger takes in: from Redis into Postgres, summed up beside it.

    python -m benchmarks.ledger_ingest --entries 40000
    DATABASE_URL=... python -m benchmarks.ledger_ingest    into that ledger, and out of it again

The entries lie in a Redis of its own; then one worker moves them, as it does in production, sums included;
then as many again by two. Told are rows a second, and the CPU of the workers and of Postgres for a row in
microseconds: two cores hold as many rows a second as two million divided by both together.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
import redis

from benchmarks.ledger_at_scale import filled, postmaster
from benchmarks.machine import cpu_seconds
from llmgateway import embedded, parts

KEY = "ingestbench0"
WITHIN = 600
"""Seconds."""
WORKERS = (1, 2)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--entries", type=int, default=40_000)
    asked = options.parse_args()
    if "DATABASE_URL" in os.environ:
        _measure(asked.entries, dict(os.environ))
        return
    with filled(calls=0) as environment:
        os.environ.update(environment)
        _measure(asked.entries, environment)


def _measure(count: int, environment: dict[str, str]) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "llmgateway.settings")
    import django

    django.setup()
    print(f"{'workers':>8} {'rows/s':>8} {'worker':>8} {'Postgres':>8}  µs of CPU for a row")
    try:
        for number in WORKERS:
            _moved(count, environment, workers=number)
    finally:
        _remove()


def _moved(count: int, environment: dict[str, str], *, workers: int) -> None:
    """Prints a line."""
    with _own_redis() as url, ExitStack() as running:
        _lay_out(count, url)
        quiet = {**environment, "REDIS_URL": url, "LOG_LEVEL": "ERROR"}
        children = [parts.ledger(quiet) for _ in range(workers)]
        for child in children:
            child.launch()
            running.callback(child.stop)
        _tell(count, url, workers=[child.pid or 0 for child in children])


@contextmanager
def _own_redis() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="llmgateway-") as directory:
        server = embedded.redis(Path(directory), log=Path(directory) / "redis.log")
        server.child.start()
        try:
            yield server.url
        finally:
            server.child.stop()


def _lay_out(count: int, url: str) -> None:
    """Entries as gateways write them, of now."""
    from django.utils import timezone
    from msgspec.structs import replace

    from gateway_app import ledger_rows
    from gateway_app.ids import uuid7
    from gateway_app.ledger import FIELD, STREAM
    from gateway_app.synthetic import kinds

    rows = kinds(1_000, keys=[(1, KEY, "ingest")])
    for row in rows:
        row.created_at, row.request_id = timezone.now(), ""
    records = [ledger_rows.record(row) for row in rows]
    encode = msgspec.json.Encoder().encode
    with redis.Redis.from_url(url) as client, client.pipeline(transaction=False) as pipe:
        for number in range(count):
            known = records[number % len(records)]
            entry = replace(known, id=uuid7(), created_at=timezone.now(), request_id=f"ingest-{number}")
            pipe.xadd(STREAM, {FIELD: encode(entry)})
        pipe.execute()


def _tell(count: int, url: str, *, workers: Sequence[int]) -> None:
    """From a tenth of the entries on, when all workers are at it, to the last."""
    from gateway_app.ledger import STREAM

    postgres = postmaster()
    with redis.Redis.from_url(url) as client:

        def reached(left: int) -> tuple[float, float, float, int]:
            deadline = time.monotonic() + WITHIN
            while (now := client.xlen(STREAM)) > left or _at_work(client) < len(workers):
                if time.monotonic() > deadline:
                    sys.exit(f"{now} entries are left after {WITHIN} s")
                time.sleep(0.01)
            return time.perf_counter(), sum(map(cpu_seconds, workers)), sum(map(cpu_seconds, postgres)), now

        began, worker, busy, before = reached(count * 9 // 10)
        ended, worker_later, busy_later, after = reached(0)
    rows = before - after
    figures = rows / (ended - began), 1e6 * (worker_later - worker) / rows, 1e6 * (busy_later - busy) / rows
    print(f"{len(workers):8} " + " ".join(f"{figure:8.0f}" for figure in figures), flush=True)


def _at_work(client: redis.Redis) -> int:
    from gateway_app.ledger import STREAM

    return sum(group["consumers"] for group in client.xinfo_groups(STREAM))


def _remove() -> None:
    """With their sums."""
    from django.db import connection

    from gateway_app.models import Rollup

    Rollup.objects.filter(key_id=KEY).delete()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM gateway_app_call WHERE key_id = %s", [KEY])


if __name__ == "__main__":
    main()
