"""Whatever is killed or stopped under load, each answered call is in Postgres exactly once."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import psycopg
import pytest

from llmgateway import embedded
from llmgateway.stack import Stack
from llmgateway.test_services import FAST

ASKERS = 6


@pytest.fixture(scope="module")
def redis_apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[embedded.Server]:
    directory = tmp_path_factory.mktemp("redis")
    running = embedded.redis(directory / "data", log=directory / "redis.log")
    running.child.start()
    yield running
    running.child.stop()


@pytest.fixture(scope="module")
def postgres_apart() -> Iterator[embedded.Server]:
    # Not below pytest's own directory: the server runs as another user, and pytest closes that to others.
    with TemporaryDirectory() as made:
        directory = Path(made)
        running = embedded.postgres(directory / "data", log=directory / "postgres.log", options=FAST)
        running.child.start()
        yield running
        running.child.stop()


@pytest.fixture(scope="module")
def system(
    tmp_path_factory: pytest.TempPathFactory, redis_apart: embedded.Server, postgres_apart: embedded.Server
) -> Iterator[Stack]:
    """On a Redis and a Postgres of its own, which may be stopped."""
    running = Stack(
        tmp_path_factory.mktemp("system"),
        environment=dict(os.environ),
        database_url=postgres_apart.url.replace("/postgres?", "/apart?"),
        redis_url=redis_apart.url,
        chunk_delay=0.0,
    )
    running.start()
    yield running
    running.stop()


@contextmanager
def under_load(system: Stack, prefix: str) -> Iterator[list[str]]:
    """Asks without a pause; yields the request ids that were answered, all of them once it is left."""
    answered: list[str] = []
    over = threading.Event()

    def keep_asking(asker: int) -> None:
        with httpx.Client(base_url=system.url, headers={"Authorization": f"Bearer {system.key}"}) as client:
            for number in range(1_000_000):
                if over.is_set():
                    return
                name, body = f"{prefix}-{asker}-{number}", {"prompt": f"Say {number % 5}."}
                with suppress(httpx.TransportError):  # the gateway itself may be what is killed
                    if client.post("/chat", json=body, headers={"X-Request-ID": name}).is_success:
                        answered.append(name)

    askers = [threading.Thread(target=keep_asking, args=(asker,)) for asker in range(ASKERS)]
    for asker in askers:
        asker.start()
    try:
        yield answered
    finally:
        over.set()
        for asker in askers:
            asker.join()


def rows(system: Stack, prefix: str) -> dict[str, int]:
    """How many each request id with that prefix has."""
    query = "SELECT request_id, count(*) FROM gateway_app_call WHERE request_id LIKE %s GROUP BY 1"
    with psycopg.connect(system.database_url) as connection:
        return dict(connection.execute(query, (f"{prefix}-%",)).fetchall())


def assert_each_once(system: Stack, prefix: str, answered: list[str], *, within: float = 60) -> None:
    """A call whose answer was on its way when the gateway died may be there, too: once."""
    deadline = time.monotonic() + within
    while set(answered) - (found := rows(system, prefix)).keys() and time.monotonic() < deadline:
        time.sleep(0.2)
    print(f"{prefix}: {len(answered)} answered, {len(found)} rows")  # noqa: T201 - the figures of the proof
    assert set(answered) - found.keys() == set()
    assert set(found.values()) == {1}


@pytest.mark.parametrize("part", ["gateway", "ledger"])
@pytest.mark.parametrize("rounds", [2, pytest.param(50, marks=pytest.mark.slow)])
def test_a_part_that_is_killed_again_and_again(system: Stack, part: str, rounds: int) -> None:
    prefix = f"{part}-{rounds}"
    with under_load(system, prefix) as answered:
        for _ in range(rounds):
            before = len(answered)
            while len(answered) < before + 30:
                time.sleep(0.05)
            system.kill(part)
            system.restart(part)
    assert_each_once(system, prefix, answered)


@pytest.mark.parametrize("rounds", [1, pytest.param(10, marks=pytest.mark.slow)])
def test_a_redis_that_is_stopped_and_started(
    system: Stack, redis_apart: embedded.Server, rounds: int
) -> None:
    prefix = f"redis-{rounds}"
    with under_load(system, prefix) as answered:
        for _ in range(rounds):
            time.sleep(1)
            redis_apart.child.stop()
            time.sleep(2)
            redis_apart.child.start()
        time.sleep(1)
    assert_each_once(system, prefix, answered)


@pytest.mark.parametrize("seconds", [3, pytest.param(60, marks=pytest.mark.slow)])
def test_a_postgres_that_is_stopped_for_a_while(
    system: Stack, postgres_apart: embedded.Server, seconds: int
) -> None:
    prefix = f"postgres-{seconds}"
    with under_load(system, prefix) as answered:
        time.sleep(1)
        postgres_apart.child.stop()
        time.sleep(seconds)
        postgres_apart.child.start()
    assert_each_once(system, prefix, answered)
