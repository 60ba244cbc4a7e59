"""A running system under the eyes of Prometheus, Langfuse and an OpenTelemetry collector."""

import json
import os
import re
import secrets
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
import redis
from prometheus_client.parser import text_string_to_metric_families
from websockets.sync.client import connect

from gateway_app.ledger_worker import POISON
from gateway_app.testing.capture import CaptureServer, attributes
from llmgateway import embedded, parts
from llmgateway.stack import Stack

TOKEN = "for-prometheus"
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@pytest.fixture(scope="module")
def redis_apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[embedded.Server]:
    directory = tmp_path_factory.mktemp("redis")
    running = embedded.redis(directory / "data", log=directory / "redis.log", persistent=False)
    running.child.start()
    yield running
    running.child.kill()


@pytest.fixture(scope="module")
def langfuse() -> Iterator[CaptureServer]:
    with CaptureServer(status=207) as running:
        yield running


@pytest.fixture(scope="module")
def collector() -> Iterator[CaptureServer]:
    with CaptureServer() as running:
        yield running


@pytest.fixture(scope="module")
def watched(
    tmp_path_factory: pytest.TempPathFactory,
    redis_apart: embedded.Server,
    langfuse: CaptureServer,
    collector: CaptureServer,
) -> Iterator[Stack]:
    """Two workers, both tracers, a token for /metrics."""
    database_url = re.sub(r"llmgateway_\w+", f"watched_{secrets.token_hex(4)}", os.environ["DATABASE_URL"])
    system = Stack(
        tmp_path_factory.mktemp("watched"),
        environment={
            **os.environ,
            "METRICS_TOKEN": TOKEN,
            "LANGFUSE_HOST": langfuse.url,
            "LANGFUSE_PUBLIC_KEY": "pk-lf-1",
            "LANGFUSE_SECRET_KEY": "sk-lf-1",
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_EXPORTER_OTLP_HEADERS": "x-team=ours",
        },
        database_url=database_url,
        redis_url=redis_apart.url,
        chunk_delay=0.02,
    )
    system.start()
    yield system
    system.stop()


@pytest.fixture
def api(watched: Stack) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {watched.key}"}
    with httpx.Client(base_url=watched.url, headers=headers, timeout=20) as client:
        yield client


def scrape(watched: Stack) -> Samples:
    """Read by Prometheus' own parser."""
    reply = httpx.get(f"{watched.url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=10)
    assert reply.status_code == 200, reply.text
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(reply.text)
        for sample in family.samples
    }


def total(samples: Samples, name: str, **labels: str) -> float:
    """The sum of the samples of that name that have these labels."""
    wanted = set(labels.items())
    return sum(value for (found, pairs), value in samples.items() if found == name and wanted <= set(pairs))


def until(condition: Callable[[], object], *, within: float = 10.0) -> None:
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_only_the_token_opens_the_page(watched: Stack) -> None:
    for given in ("", "Bearer wrong", f"Bearer {watched.key}"):
        reply = httpx.get(f"{watched.url}/metrics", headers={"Authorization": given})
        assert (reply.status_code, reply.json()["error"]["code"]) == (401, "invalid_api_key")


def test_without_a_token_the_page_is_closed_where_anonymous_calls_are(stack: Stack) -> None:
    reply = httpx.get(f"{stack.url}/metrics")
    assert reply.status_code == 403
    assert "METRICS_TOKEN" in reply.json()["error"]["message"]


def test_a_scrape_of_any_worker_tells_of_all(watched: Stack, api: httpx.Client) -> None:
    def answered() -> float:
        return total(scrape(watched), "gateway_calls_total", surface="chat", outcome="ok")

    before = answered()
    for number in range(20):
        # A connection of its own goes to either worker.
        reply = httpx.post(f"{watched.url}/chat", headers=api.headers, json={"prompt": f"scraped {number}"})
        assert reply.status_code == 200
    assert {answered() for _ in range(10)} == {before + 20}
    assert total(scrape(watched), "gateway_workers") == 2


def test_a_call_moves_what_it_should(watched: Stack, api: httpx.Client) -> None:
    before = scrape(watched)
    for _ in range(2):
        reply = api.post("/summarize", json={"prompt": "A sentence about metrics. Another one."})
    assert reply.json()["cache_hit"]
    after = scrape(watched)

    def grown(name: str, **labels: str) -> float:
        return total(after, name, **labels) - total(before, name, **labels)

    assert grown("gateway_prompt_calls_total", prompt="summarizer", outcome="ok") == 2
    assert grown("gateway_calls_total", cache="HIT") == 1
    assert grown("gateway_upstream_seconds_count", provider="gemini") == 1
    assert grown("gateway_cost_usd_total", prompt="summarizer") == pytest.approx(
        grown("gateway_saved_usd_total")
    )
    assert grown("gateway_cost_usd_total") > 0
    assert grown("gateway_http_responses_total", status="200") >= 2


def test_what_is_refused_at_the_door_is_counted_too(watched: Stack) -> None:
    before = total(scrape(watched), "gateway_http_responses_total", status="401")
    httpx.post(f"{watched.url}/chat", json={"prompt": "Hi"})
    assert total(scrape(watched), "gateway_http_responses_total", status="401") == before + 1


def test_open_streams_and_sockets_are_told_while_they_last(watched: Stack, api: httpx.Client) -> None:
    headers = {"Authorization": f"Bearer {watched.key}"}
    slowly = "[[fault:chunk_delay ms=2000]] Tell me of streams. One sentence. Another one. A third one."
    with (
        connect(f"{watched.ws_url}/ws/chat", additional_headers=headers) as socket,
        api.stream("POST", "/chat/stream", json={"prompt": slowly}),
    ):
        socket.send(json.dumps({"type": "chat", "id": "1", "prompt": slowly}))
        until(lambda: total(scrape(watched), "gateway_sockets_open") == 1)
        until(lambda: total(scrape(watched), "gateway_calls_open", surface="ws", streamed="True") == 1)
        until(lambda: total(scrape(watched), "gateway_calls_open", surface="chat", streamed="True") == 1)
    until(lambda: total(scrape(watched), "gateway_sockets_open") == 0)
    until(lambda: total(scrape(watched), "gateway_calls_open") == 0)


def test_the_ledger_and_the_snapshots_are_told(watched: Stack, redis_apart: embedded.Server) -> None:
    until(lambda: total(scrape(watched), "gateway_ledger_backlog_entries") == 0)
    with redis.Redis.from_url(redis_apart.url) as client:
        client.xadd(POISON, {"call": b"x"})
    found = scrape(watched)
    assert total(found, "gateway_redis_up") == 1
    assert total(found, "gateway_ledger_poison_entries") == 1
    assert total(found, "gateway_ledger_connected") == 1
    for snapshot in ("prompts", "api_keys", "prices"):
        assert total(found, "gateway_snapshot_age_seconds", snapshot=snapshot) < 5


def test_how_long_the_task_workers_say_nothing_is_told(watched: Stack, tmp_path: Path) -> None:
    assert total(scrape(watched), "gateway_tasks_silent_seconds") == float("inf")
    worker = parts.tasks(watched.env, schedule=tmp_path / "schedule", log=tmp_path / "tasks.log")
    worker.start()
    try:
        until(lambda: total(scrape(watched), "gateway_tasks_silent_seconds") < 15, within=60)
    finally:
        worker.kill()
    until(lambda: total(scrape(watched), "gateway_tasks_silent_seconds") > 16, within=20)


def test_a_scrape_does_not_hold_up_calls(watched: Stack, api: httpx.Client) -> None:
    """Hits under constant scraping are about as fast as without."""

    def slowest() -> float:
        taken = []
        for _ in range(100):
            began = time.perf_counter()
            assert api.post("/chat", json={"prompt": "scraped all the time"}).status_code == 200
            taken.append(time.perf_counter() - began)
        return sorted(taken)[95]

    slowest()
    done = threading.Event()

    def scrape_on() -> None:
        while not done.is_set():
            scrape(watched)

    scraper = threading.Thread(target=scrape_on)
    scraper.start()
    try:
        assert slowest() < 0.25
    finally:
        done.set()
        scraper.join()


def test_every_call_becomes_a_trace_with_its_generation_at_both_hosts(
    watched: Stack, api: httpx.Client, langfuse: CaptureServer, collector: CaptureServer
) -> None:
    headers = {"X-Request-ID": "traced-1", "X-Session-ID": "session-1"}
    answer = api.post("/summarize", json={"prompt": "Traces are told apart."}, headers=headers).json()

    def trace() -> list[object]:
        return [
            e.body
            for e in langfuse.events
            if (getattr(e.body, "metadata", None) or {}).get("request_id") == "traced-1"
        ]

    until(trace)
    [found] = trace()
    assert (found.name, found.session_id, found.version) == (
        "summarizer",
        "session-1",
        answer["prompt_version"],
    )
    [generation] = [
        e.body for e in langfuse.events if e.type == "generation-create" and e.body.trace_id == found.id
    ]
    usage = answer["usage"]
    assert generation.usage_details["input"] == usage["input_tokens"] - usage["cached_tokens"]
    assert generation.usage_details["output"] == usage["output_tokens"]
    assert generation.cost_details["total"] == pytest.approx(float(answer["cost_usd"]))
    until(lambda: [span for span in collector.spans if span.trace_id.hex() == found.id])
    spans = [attributes(span) for span in collector.spans if span.trace_id.hex() == found.id]
    assert sorted(told.get("gen_ai.operation.name", "") for told in spans) == ["", "chat"]
    assert collector.requests[0].headers["x-team"] == "ours"
    with psycopg.connect(watched.database_url) as connection:
        query = "SELECT id::text FROM gateway_app_call WHERE request_id = 'traced-1'"
        [(identifier,)] = connection.execute(query).fetchall()
    assert identifier.replace("-", "") == found.id


def test_a_hanging_langfuse_changes_no_call_and_its_drops_are_told(
    watched: Stack, api: httpx.Client, langfuse: CaptureServer
) -> None:
    langfuse.hanging = True
    taken = []
    for number in range(30):
        began = time.perf_counter()
        assert api.post("/chat", json={"prompt": f"while it hangs {number}"}).status_code == 200
        taken.append(time.perf_counter() - began)
    assert sorted(taken)[15] < 1.0
    until(lambda: total(scrape(watched), "gateway_tracer_failures_total", tracer="langfuse") > 0, within=15)
    langfuse.hanging = False
    until(lambda: sum(event.type == "trace-create" for event in langfuse.events) >= 30 + 1, within=20)


def test_the_ledger_worker_ends_in_time_while_langfuse_hangs(
    watched: Stack, api: httpx.Client, langfuse: CaptureServer, tmp_path: Path
) -> None:
    watched.kill("ledger")
    worker = parts.ledger(watched.env, log=tmp_path / "ledger.log")
    worker.start()
    langfuse.hanging = True
    try:
        api.post("/chat", json={"prompt": "the last one before the stop"})
        until(lambda: "ledger_written" in worker.output())
        began = time.monotonic()
        worker.stop()
        assert time.monotonic() - began < 5.0
        assert worker.exit_code == 0
        assert "traces_dropped" in worker.output()
    finally:
        langfuse.hanging = False
        worker.kill()
        watched.restart("ledger")


def test_figures_outlive_killed_workers_and_gauges_do_not(watched: Stack, api: httpx.Client) -> None:
    before = total(scrape(watched), "gateway_calls_total")
    workers = {
        int(match[1])
        for line in watched.log_lines()
        if (match := re.search(r"Started server process \[(\d+)\]", line))
    }
    with connect(f"{watched.ws_url}/ws/chat", additional_headers={"Authorization": f"Bearer {watched.key}"}):
        until(lambda: total(scrape(watched), "gateway_sockets_open") == 1)
        for worker in workers:
            os.kill(worker, signal.SIGKILL)
        until(lambda: recovered(watched), within=40)
    until(lambda: total(scrape(watched), "gateway_sockets_open") == 0)
    assert total(scrape(watched), "gateway_calls_total") == before


def recovered(watched: Stack) -> bool:
    try:
        found = scrape(watched)
    except httpx.HTTPError:
        return False
    return total(found, "gateway_workers") == 2


def test_without_redis_the_page_says_so(
    watched: Stack, api: httpx.Client, redis_apart: embedded.Server
) -> None:
    assert redis_apart.child.pid
    assert api.post("/chat", json={"prompt": "counted before"}).status_code == 200
    os.kill(redis_apart.child.pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        found = scrape(watched)
        assert time.monotonic() - began < 3.0
    finally:
        os.kill(redis_apart.child.pid, signal.SIGCONT)
    assert total(found, "gateway_redis_up") == 0
    assert total(found, "gateway_calls_total") > 0
