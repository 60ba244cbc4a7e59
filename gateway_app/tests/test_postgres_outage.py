"""Postgres is gone: warm workers serve the prompts on, cold ones say what they miss, and recover."""

import os
import re
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import httpx
import pytest

from gateway_app.tests.clients import open_browser
from llmgateway import embedded
from llmgateway.stack import Stack

TOKEN = "for-prometheus"
REASON = "Is the server running"
"""Asked by libpq where nobody listens."""


@pytest.fixture(scope="module")
def postgres() -> Iterator[embedded.Server]:
    # Run as root, Postgres has a user of its own, and pytest keeps closing its folders to other users.
    with tempfile.TemporaryDirectory(prefix="llmgateway-") as directory:
        server = embedded.postgres(Path(directory) / "postgres", log=Path(directory) / "postgres.log")
        server.child.start()
        yield server
        server.child.kill()


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory, postgres: embedded.Server) -> Iterator[Stack]:
    running = Stack(
        tmp_path_factory.mktemp("system"),
        environment={**os.environ, "METRICS_TOKEN": TOKEN},
        database_url=urlunsplit(urlsplit(postgres.url)._replace(path="/outage")),
        redis_url=urlunsplit(urlsplit(os.environ["REDIS_URL"])._replace(path="/2")),
        chunk_delay=0.0,
    )
    running.start()
    yield running
    running.stop()


@pytest.fixture
def api(system: Stack) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {system.key}"}
    with httpx.Client(base_url=system.url, headers=headers, timeout=30) as client:
        yield client


def stop_at_once(postgres: embedded.Server) -> None:
    """As `pg_ctl stop -m immediate` does: no connection is ended in order, nothing is flushed."""
    pid = postgres.child.pid
    assert pid is not None
    os.kill(pid, signal.SIGQUIT)
    postgres.child.wait(timeout=30)


def summary(api: httpx.Client, number: int) -> httpx.Response:
    return api.post("/summarize", json={"prompt": f"The dam held on day {number}. The valley stayed dry."})


def eventually(condition: Callable[[], bool], *, within: float = 60) -> None:
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, f"it did not happen within {within:g} s"
        time.sleep(0.1)


def test_prompts_are_served_on_while_postgres_is_gone(
    system: Stack, postgres: embedded.Server, api: httpx.Client
) -> None:
    assert summary(api, 0).json()["prompt_version"] == "v2"
    stop_at_once(postgres)
    try:
        answers = [summary(api, number) for number in range(1, 41)]
        assert {(a.status_code, a.json()["prompt_version"]) for a in answers} == {(200, "v2")}
        assert api.get("/health/ready").status_code == 200
    finally:
        postgres.child.start()
    eventually(lambda: api.get("/health/ready").json()["dependencies"]["prompts"]["status"] == "ok")


def test_pages_of_the_admin_say_that_the_database_is_away(
    system: Stack, postgres: embedded.Server, api: httpx.Client
) -> None:
    with open_browser(system) as browser:
        stop_at_once(postgres)
        try:
            for path in ("/admin/", "/admin/prompts_app/prompt/"):
                answer = browser.client.get(path)
                assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
                assert "the database does not answer now" in answer.text
        finally:
            postgres.child.start()
        eventually(lambda: browser.client.get("/admin/").status_code == 200)


def detail(api: httpx.Client) -> str:
    return str(api.get("/health/ready").json()["dependencies"]["prompts"]["detail"])


def stale(api: httpx.Client) -> float:
    """Seconds that the metrics say the prompts have not been confirmed."""
    page = api.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).text
    found = re.search(r'^gateway_snapshot_age_seconds\{snapshot="prompts"\} (\S+)$', page, re.MULTILINE)
    return float(found[1]) if found else 0.0


def test_a_start_without_postgres_says_so_and_recovers_by_itself(
    system: Stack, postgres: embedded.Server, api: httpx.Client
) -> None:
    def state() -> tuple[int, str]:
        try:
            ready = api.get("/health/ready")
        except httpx.TransportError:
            return 0, "not up"
        return ready.status_code, ready.json()["dependencies"]["prompts"]["status"]

    system.kill("gateway")
    stop_at_once(postgres)
    system.launch("gateway")
    try:
        eventually(lambda: state() == (503, "down"))
        assert api.get("/health").status_code == 200
        eventually(lambda: REASON in detail(api))
        assert ".s.PGSQL" not in detail(api)
        assert any("registry_stale" in line and REASON in line for line in system.log_lines())
        eventually(lambda: stale(api) > 5)
        refused = summary(api, 100)
        assert (refused.status_code, "Retry-After" in refused.headers) == (503, True)
    finally:
        postgres.child.start()
    eventually(lambda: state() == (200, "ok"))
    assert summary(api, 101).json()["prompt_version"] == "v2"
