"""What each page of the ledger takes once it holds millions of calls.

    python -m benchmarks.ledger_at_scale --calls 5000000

makes them on a Postgres of its own, which is removed afterwards. Without `--calls`, `DATABASE_URL` and
`REDIS_URL` name a ledger that `synthesize_calls` has filled.

Every range of the dashboard, every filter and grouping of `GET /usage`, every filter of the list of calls and
the pages beside it are asked for as a browser does, of a gateway of its own. Of five times the median and the
least are told, in milliseconds; and the CPU time of gateway and Postgres for one, where Postgres is on this
machine: it says what an idle machine would take, whatever else is going on. Exits with 1 where a median is
above the bound, or a page is not answered with 200. Writes a user and a key of the name `bench`.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median

import httpx
import psutil

from benchmarks.ledger_pages import Page, pages
from benchmarks.machine import cpu_seconds
from benchmarks.own_system import ENVIRONMENT, own_postgres, with_database
from llmgateway import embedded, parts
from llmgateway.env import ROOT
from llmgateway.parts import MANAGE
from llmgateway.ports import free_port

TIMES = 5


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--calls", type=int, help="how many to make, on a Postgres of its own")
    options.add_argument("--days", type=int, default=360)
    options.add_argument("--bound", type=float, default=500, help="milliseconds")
    options.add_argument("--only", default="", help="pages with this in their name")
    asked = options.parse_args()
    if asked.calls:
        with filled(calls=asked.calls, days=asked.days) as environment:
            again = [sys.executable, "-m", "benchmarks.ledger_at_scale", "--bound", str(asked.bound)]
            done = subprocess.run([*again, "--only", asked.only], cwd=ROOT, env=environment, check=False)
        sys.exit(done.returncode)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "llmgateway.settings")
    import django

    django.setup()
    sys.exit(not _within(asked.bound, only=asked.only))


@contextmanager
def filled(*, calls: int, days: int = 360) -> Iterator[dict[str, str]]:
    """The environment of a ledger with so many calls."""
    with tempfile.TemporaryDirectory(prefix="llmgateway-") as name, own_postgres(Path(name)) as postgres:
        redis = embedded.redis(Path(name) / "redis", log=Path(name) / "redis.log", persistent=False)
        redis.child.start()
        url = with_database(postgres.url, "postgres")
        environment = {**os.environ, **ENVIRONMENT, "DATABASE_URL": url, "REDIS_URL": redis.url}
        try:
            load = [["synthesize_calls", str(calls), "--days", str(days)]] if calls else []
            for command in (["bootstrap"], *load):
                subprocess.run([*MANAGE, *command], cwd=ROOT, env=environment, check=True)
            yield environment
        finally:
            redis.child.stop()


def _within(bound: float, *, only: str) -> bool:
    """Prints the table; whether every page holds the bound."""
    print(f"{'page':64} {'median':>8} {'least':>8} {'CPU':>8}  ms")
    held = True
    with _served() as (browser, busy):
        for page in [page for page in pages() if only in page.name]:
            before = busy()
            taken, status = _taken(browser, page)
            computed = 1000 * (busy() - before) / TIMES
            right = status == 200 and median(taken) <= bound
            held = held and right
            remark = "" if right else f"  {status}" if status != 200 else f"  above {bound:.0f} ms"
            figures = f"{median(taken):8.0f} {min(taken):8.0f} {computed:8.0f}"
            print(f"{page.name:64} {figures}{remark}", flush=True)
    return held


@contextmanager
def _served() -> Iterator[tuple[httpx.Client, Callable[[], float]]]:
    """A browser in which an administrator of this ledger has logged in, and the CPU seconds used so far."""
    from django.conf import settings
    from django.contrib.auth import get_user_model
    from django.test import Client

    admin, _ = get_user_model().objects.get_or_create(username="bench", is_staff=True, is_superuser=True)
    session = Client()
    session.force_login(admin)
    name = settings.SESSION_COOKIE_NAME
    port = free_port()
    with tempfile.TemporaryDirectory() as directory:
        gateway = parts.gateway(os.environ, port=port, log=Path(directory) / "gateway.log")
        gateway.start()
        try:
            with httpx.Client(
                base_url=f"http://127.0.0.1:{port}", cookies={name: session.cookies[name].value}, timeout=60
            ) as opened:
                yield opened, lambda: sum(cpu_seconds(pid) for pid in (gateway.pid, *postmaster()) if pid)
        finally:
            gateway.stop()


def postmaster() -> Sequence[int]:
    """The process of the Postgres on this machine; nothing where it is elsewhere."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    with suppress(psutil.NoSuchProcess):
        backend = psutil.Process(pid)
        if "postgres" in backend.name():
            return (backend.ppid(),)
    return ()


def _taken(browser: httpx.Client, page: Page) -> tuple[list[float], int]:
    """Milliseconds of each time, and the worst status."""
    headers = {"Authorization": f"Bearer {page.key}"} if page.key else {}
    taken, worst = [], 0
    for _ in range(TIMES):
        began = time.perf_counter()
        reply = browser.get(page.address, headers=headers)
        taken.append(1000 * (time.perf_counter() - began))
        worst = max(worst, reply.status_code)
    return taken, worst


if __name__ == "__main__":
    main()
