"""The ledger's consumer, its tracers and the scores together, over real sockets and a real Redis."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from uuid import uuid4

import msgspec
import psutil
import pytest
import redis

from gateway_app.testing.capture import CaptureServer
from gateway_app.tests.traced_calls import ANSWERED, answered
from gateway_app.tracing.exporting import FIGURES, Exporting
from gateway_app.tracing.langfuse import Langfuse
from gateway_app.tracing.otlp import Otlp
from gateway_app.tracing.records import Score
from gateway_app.tracing.scores import BOUND, SCORES, send_score
from llmgateway import embedded


@pytest.fixture
def langfuse_host() -> Iterator[CaptureServer]:
    with CaptureServer(status=207) as running:
        yield running


@pytest.fixture
def collector() -> Iterator[CaptureServer]:
    with CaptureServer() as running:
        yield running


@pytest.fixture
def exporting(
    redis_server: embedded.Server, langfuse_host: CaptureServer, collector: CaptureServer
) -> Iterator[Exporting]:
    tracers = {
        "langfuse": Langfuse(host=langfuse_host.url, public_key="p", secret_key="s"),
        "otlp": Otlp(endpoint=collector.url, headers={}, version="1"),
    }
    with Exporting(tracers, redis_url=redis_server.url) as running:
        yield running


@pytest.fixture
def client(redis_server: embedded.Server) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_server.url) as connected:
        yield connected


def until(condition: Callable[[], object], *, within: float = 5.0) -> None:
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_every_tracer_gets_every_call(
    exporting: Exporting, langfuse_host: CaptureServer, collector: CaptureServer
) -> None:
    calls = [answered() for _ in range(200)]
    exporting.offer([msgspec.json.encode(call) for call in calls])
    until(lambda: len(langfuse_host.events) == len(collector.spans) == 400)
    traces = {event.body.id for event in langfuse_host.events if event.type == "trace-create"}
    assert traces == {call.id.hex for call in calls}
    assert {span.trace_id.hex() for span in collector.spans} == traces


def test_a_score_that_anybody_sends_reaches_every_tracer(
    exporting: Exporting, client: redis.Redis, langfuse_host: CaptureServer, collector: CaptureServer
) -> None:
    send_score(client, Score(id="f1", call_id=ANSWERED.id, name="thumbs", value=True))
    until(lambda: langfuse_host.events and collector.spans)
    assert langfuse_host.events[0].body.trace_id == ANSWERED.id.hex
    assert collector.spans[0].name == "evaluate thumbs"


def test_scores_that_nobody_takes_are_bounded(client: redis.Redis) -> None:
    score = Score(id="f1", call_id=uuid4(), name="thumbs", value=True)
    client.lpush(SCORES, *[b"old"] * (BOUND + 50))
    send_score(client, score)
    assert client.llen(SCORES) == BOUND


def test_what_became_of_records_is_told_in_redis(exporting: Exporting, client: redis.Redis) -> None:
    exporting.offer([msgspec.json.encode(ANSWERED)])
    until(lambda: client.hgetall(FIGURES) == {b"langfuse:exported": b"1", b"otlp:exported": b"1"})


def test_a_dead_host_does_not_keep_the_others_from_theirs(
    exporting: Exporting, langfuse_host: CaptureServer, collector: CaptureServer
) -> None:
    langfuse_host.hanging = True
    exporting.offer([msgspec.json.encode(answered()) for _ in range(20)])
    until(lambda: len(collector.spans) == 40)


PROCESS = """
import sys, time
import msgspec
from gateway_app.tests.traced_calls import answered
from gateway_app.tracing.exporting import Exporting
from gateway_app.tracing.langfuse import Langfuse
from gateway_app.tracing.otlp import Otlp

tracers = {
    "langfuse": Langfuse(host=sys.argv[1], public_key="p", secret_key="s"),
    "otlp": Otlp(endpoint=sys.argv[1], headers={}, version="1"),
}
with Exporting(tracers, redis_url=sys.argv[2]) as exporting:
    exporting.offer([msgspec.json.encode(answered()) for _ in range(500)])
    time.sleep(0.5)
    print("stopping", flush=True)
"""


@pytest.mark.parametrize("host", ["dead", "hanging", "refusing"])
def test_a_process_ends_within_five_seconds_whatever_its_hosts_do(
    host: str, collector: CaptureServer, redis_server: embedded.Server
) -> None:
    collector.hanging, collector.status = host == "hanging", 401
    url = "http://127.0.0.1:9" if host == "dead" else collector.url
    command = [sys.executable, "-c", PROCESS, url, redis_server.url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        while (line := process.stdout.readline()) != b"stopping\n":
            assert line, f"it ended before it stopped: {process.stderr.read().decode()}"
        began = time.monotonic()
        process.communicate(timeout=10)
        assert time.monotonic() - began < 5.0
        assert process.returncode == 0


def test_memory_stays_flat_while_a_host_is_away(redis_server: embedded.Server) -> None:
    tracers = {"langfuse": Langfuse(host="http://127.0.0.1:9", public_key="p", secret_key="s")}
    batch = [msgspec.json.encode(answered(request_id="r" * 1000)) for _ in range(500)]
    with Exporting(tracers, redis_url=redis_server.url) as exporting:
        for _ in range(40):
            exporting.offer([bytes(bytearray(entry)) for entry in batch])
        full = psutil.Process().memory_info().rss
        for _ in range(200):
            exporting.offer([bytes(bytearray(entry)) for entry in batch])
        assert psutil.Process().memory_info().rss - full < 10 * 1024 * 1024
