"""Redis hangs, dies and comes back: calls go on, and the ledger loses none."""

import json
import os
import secrets
import signal
import time
from collections.abc import Iterator

import httpx
import psycopg
import pytest

from llmgateway import embedded
from llmgateway.stack import Stack


@pytest.fixture(scope="module")
def redis_apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[embedded.Server]:
    directory = tmp_path_factory.mktemp("redis")
    running = embedded.redis(directory / "data", log=directory / "redis.log", persistent=False)
    running.child.start()
    yield running
    running.child.kill()


@pytest.fixture(scope="module")
def lonely(tmp_path_factory: pytest.TempPathFactory, redis_apart: embedded.Server) -> Iterator[Stack]:
    """A system with a Redis of its own, a pinned prompt and an allowed origin."""
    database_url = os.environ["DATABASE_URL"]
    name = database_url.rsplit("/llmgateway_", 1)[1].split("?")[0]
    system = Stack(
        tmp_path_factory.mktemp("lonely"),
        environment={
            **os.environ,
            "SUMMARIZER_PROMPT_VERSION": "v2",
            "CORS_ALLOWED_ORIGINS": "https://app.example.com",
            "LOG_PROMPTS": "1",
        },
        database_url=database_url.replace(f"llmgateway_{name}", f"lonely_{secrets.token_hex(4)}"),
        redis_url=redis_apart.url,
        chunk_delay=0.0,
    )
    system.start()
    yield system
    system.stop()


@pytest.fixture
def api(lonely: Stack) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {lonely.key}"}
    with httpx.Client(base_url=lonely.url, headers=headers, timeout=20) as client:
        yield client


def calls(lonely: Stack, prefix: str) -> dict[str, int]:
    """How many rows each request id with that prefix has."""
    query = "SELECT request_id, count(*) FROM gateway_app_call WHERE request_id LIKE %s GROUP BY 1"
    with psycopg.connect(lonely.database_url) as connection:
        return dict(connection.execute(query, (f"{prefix}%",)).fetchall())


def wait_for(lonely: Stack, prefix: str, count: int, *, within: float) -> dict[str, int]:
    deadline = time.monotonic() + within
    while len(found := calls(lonely, prefix)) < count and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def test_the_environment_pins_a_version_above_the_admins_choice(api: httpx.Client) -> None:
    answer = api.post("/summarize", json={"prompt": "A first sentence. A second one."})
    assert answer.json()["prompt_version"] == "v2"


def test_the_log_has_the_words_only_where_it_was_asked_for_them(lonely: Stack, api: httpx.Client) -> None:
    answer = api.post("/chat", json={"prompt": "A sentence to be found in the log."}).json()
    deadline = time.monotonic() + 3
    while not any(answer["request_id"] in line and "prompt_text" in line for line in lonely.log_lines()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    line = next(line for line in lonely.log_lines() if "prompt_text" in line and answer["request_id"] in line)
    assert "A sentence to be found in the log." in line
    assert answer["response"] in json.loads(line)["reply"]


def test_an_allowed_origin_may_read_and_another_may_not(api: httpx.Client) -> None:
    preflight = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    allowed = api.options("/chat", headers={"Origin": "https://app.example.com", **preflight})
    assert allowed.status_code == 200
    assert allowed.headers["Access-Control-Allow-Origin"] == "https://app.example.com"
    other = api.options("/chat/stream", headers={"Origin": "https://evil.example.com", **preflight})
    assert "Access-Control-Allow-Origin" not in other.headers
    answer = api.post("/chat", json={"prompt": "Hi"}, headers={"Origin": "https://app.example.com"})
    assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example.com"
    assert "X-Request-ID" in answer.headers["Access-Control-Expose-Headers"]
    assert "X-RateLimit-Remaining-Requests" in answer.headers["Access-Control-Expose-Headers"]


@pytest.mark.parametrize("outage", [signal.SIGSTOP, signal.SIGKILL], ids=["hangs", "dies"])
def test_without_redis_answers_come_uncached_and_on_time(
    lonely: Stack, redis_apart: embedded.Server, api: httpx.Client, outage: signal.Signals
) -> None:
    warm = api.post("/chat", json={"prompt": "Warm up, please."})
    assert warm.status_code == 200
    assert redis_apart.child.pid
    os.kill(redis_apart.child.pid, outage)
    prefix = f"away-{outage.name}-"
    took = []
    for number in range(20):
        began = time.perf_counter()
        answer = api.post(
            "/chat", json={"prompt": "Twice the same?"}, headers={"X-Request-ID": f"{prefix}{number}"}
        )
        took.append(time.perf_counter() - began)
        assert answer.status_code == 200
        assert answer.json()["cache_hit"] is False
    assert max(took) < 0.25 + 0.25, "a quarter of a second on top of the simulator's own time"
    assert sorted(took)[10] < 0.1
    ready = api.get("/health/ready")
    assert ready.status_code == 200
    assert ready.json()["dependencies"]["redis"]["status"] == "degraded"

    if outage is signal.SIGSTOP:
        os.kill(redis_apart.child.pid, signal.SIGCONT)
    else:
        redis_apart.child.kill()
        redis_apart.child.start()
    found = wait_for(lonely, prefix, 20, within=15)
    assert found == {f"{prefix}{number}": 1 for number in range(20)}
    deadline = time.monotonic() + 5
    while not api.post("/chat", json={"prompt": "Back again?"}).json()["cache_hit"]:
        assert time.monotonic() < deadline, "not normal again within five seconds"
        time.sleep(0.1)
