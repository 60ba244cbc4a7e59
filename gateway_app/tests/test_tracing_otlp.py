"""What an OpenTelemetry collector is sent, read with OpenTelemetry's own protobufs."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from gateway_app.records import CallRecord
from gateway_app.testing.capture import CaptureServer, attributes
from gateway_app.tests.traced_calls import ANSWERED, BEGAN, CONTENT, answered, failed, hit, refused, retried
from gateway_app.tracing.base import TracerAway, TracerRefused
from gateway_app.tracing.otlp import Otlp
from gateway_app.tracing.records import Score

SECOND = 1_000_000_000
START = int(BEGAN.timestamp() * 1000) * 1_000_000


@pytest.fixture
def host() -> Iterator[CaptureServer]:
    with CaptureServer() as running:
        yield running


@pytest.fixture
def otlp(host: CaptureServer) -> Iterator[Otlp]:
    running = Otlp(endpoint=host.url, headers={"X-Team": "ours"}, version="1.2", timeout=0.5)
    yield running
    running.close()


def sent(otlp: Otlp, host: CaptureServer, call: CallRecord) -> tuple[Span, list[Span]]:
    """The call's span and those of its tries."""
    otlp.export([call])
    root, *tries = host.spans
    return root, tries


def test_a_call_is_one_trace_and_its_tries_are_in_it(otlp: Otlp, host: CaptureServer) -> None:
    root, [attempt] = sent(otlp, host, ANSWERED)
    assert root.trace_id == attempt.trace_id == ANSWERED.id.bytes
    assert attempt.parent_span_id == root.span_id
    assert (root.name, attempt.name) == ("chat summarizer", "chat gemini-2.5-flash")
    assert (root.kind, attempt.kind) == (Span.SPAN_KIND_INTERNAL, Span.SPAN_KIND_CLIENT)


def test_spans_have_the_calls_own_times(otlp: Otlp, host: CaptureServer) -> None:
    root, [attempt] = sent(otlp, host, ANSWERED)
    assert (root.start_time_unix_nano, root.end_time_unix_nano) == (START, START + 3 * SECOND // 4)
    assert attempt.start_time_unix_nano == START + SECOND // 100
    assert attempt.end_time_unix_nano == START + 71 * SECOND // 100


def test_the_call_says_who_what_and_why(otlp: Otlp, host: CaptureServer) -> None:
    root, _ = sent(otlp, host, ANSWERED)
    told = attributes(root)
    assert told["llmgateway.request_id"] == "request-1"
    assert told["llmgateway.prompt_version"] == "v2"
    assert told["llmgateway.cache"] == "MISS"
    assert told["session.id"] == told["gen_ai.conversation.id"] == "session-1"
    assert told["langfuse.trace.tags"] == ["chat", "summarizer", "v2"]


def test_a_try_speaks_the_genai_conventions(otlp: Otlp, host: CaptureServer) -> None:
    _, [attempt] = sent(otlp, host, ANSWERED)
    expected = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "gcp.gemini",
        "gen_ai.request.model": "gemini-2.5-flash",
        "gen_ai.request.stream": True,
        "gen_ai.request.temperature": 0.2,
        "gen_ai.request.max_tokens": 256,
        "gen_ai.request.seed": 7,
        "gen_ai.request.stop_sequences": ["END"],
        "gen_ai.response.model": "gemini-2.5-flash-001",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.response.time_to_first_chunk": 0.2,
        "gen_ai.prompt.name": "summarizer",
        "langfuse.observation.prompt.version": 2,
    }
    told = attributes(attempt)
    assert {name: told[name] for name in expected} == expected


def test_usage_names_wholes_with_their_parts_and_langfuse_is_told_parts(
    otlp: Otlp, host: CaptureServer
) -> None:
    _, [attempt] = sent(otlp, host, ANSWERED)
    told = attributes(attempt)
    assert (told["gen_ai.usage.input_tokens"], told["gen_ai.usage.cache_read.input_tokens"]) == (100, 40)
    assert (told["gen_ai.usage.output_tokens"], told["gen_ai.usage.reasoning.output_tokens"]) == (42, 12)
    parts = json.loads(told["langfuse.observation.usage_details"])
    assert parts.pop("total") == sum(parts.values()) == 142
    assert json.loads(told["langfuse.observation.cost_details"]) == {"total": 0.0001242}


def test_a_failed_try_is_an_error_and_what_was_used_is_told_once(otlp: Otlp, host: CaptureServer) -> None:
    root, [first, second] = sent(otlp, host, retried())
    assert (first.status.code, first.status.message) == (Status.STATUS_CODE_ERROR, "provider_unavailable")
    assert attributes(first)["error.type"] == "provider_unavailable"
    assert attributes(first)["http.response.status_code"] == 503
    assert "gen_ai.usage.input_tokens" not in attributes(first)
    assert attributes(second)["gen_ai.usage.input_tokens"] == 100
    assert second.status.code == root.status.code == Status.STATUS_CODE_UNSET


def test_a_call_that_failed_is_an_error(otlp: Otlp, host: CaptureServer) -> None:
    root, tries = sent(otlp, host, failed())
    assert {span.status.message for span in (root, *tries)} == {"provider_timeout"}


@pytest.mark.parametrize(
    ("call", "fact", "value"),
    [(hit(), "llmgateway.cache", "HIT"), (refused(), "llmgateway.error_code", "rate_limit_exceeded")],
)
def test_a_call_that_asked_no_vendor_is_one_span(
    otlp: Otlp, host: CaptureServer, call: CallRecord, fact: str, value: str
) -> None:
    root, tries = sent(otlp, host, call)
    assert tries == []
    assert attributes(root)[fact] == value
    assert not any(name.startswith("gen_ai.usage") for name in attributes(root))


def test_an_unknown_price_is_no_price(otlp: Otlp, host: CaptureServer) -> None:
    _, [attempt] = sent(otlp, host, answered(cost_usd=None))
    assert not [name for name in attributes(attempt) if "cost" in name]


def test_what_was_said_is_sent_where_the_ledger_has_it(otlp: Otlp, host: CaptureServer) -> None:
    _, [attempt] = sent(otlp, host, answered(content=CONTENT))
    told = attributes(attempt)
    assert json.loads(told["gen_ai.input.messages"])[1] == {
        "role": "user",
        "parts": [{"type": "text", "content": "A long text of [email]."}],
    }
    assert json.loads(told["gen_ai.output.messages"]) == [
        {
            "role": "assistant",
            "parts": [{"type": "text", "content": "It is short."}],
            "finish_reason": "stop",
        }
    ]


def test_what_was_said_is_left_out_elsewhere(otlp: Otlp, host: CaptureServer) -> None:
    sent(otlp, host, ANSWERED)
    assert b"messages" not in host.requests[0].body


@pytest.mark.parametrize(
    ("value", "name", "shown"), [(True, "value", 1.0), (0.75, "value", 0.75), ("good", "label", "good")]
)
def test_a_score_is_an_evaluation_in_the_trace_of_its_call(
    otlp: Otlp, host: CaptureServer, value: Any, name: str, shown: Any
) -> None:
    otlp.export([ANSWERED, Score(id="s1", call_id=ANSWERED.id, name="thumbs", value=value, comment="nice")])
    root, _, span = host.spans
    [event] = span.events
    assert (span.trace_id, span.parent_span_id) == (root.trace_id, root.span_id)
    assert event.name == "gen_ai.evaluation.result"
    assert attributes(event) == {
        "gen_ai.evaluation.name": "thumbs",
        f"gen_ai.evaluation.score.{name}": shown,
        "gen_ai.evaluation.explanation": "nice",
    }


def test_the_resource_and_the_headers_say_where_it_comes_from(otlp: Otlp, host: CaptureServer) -> None:
    otlp.export([ANSWERED])
    export = ExportTraceServiceRequest.FromString(host.requests[0].body)
    about = attributes(export.resource_spans[0].resource)
    assert (about["service.name"], about["service.version"]) == ("llmgateway", "1.2")
    assert host.requests[0].headers["x-team"] == "ours"


@pytest.mark.parametrize("status", [429, 503])
def test_a_collector_in_trouble_is_asked_again_later(otlp: Otlp, host: CaptureServer, status: int) -> None:
    host.status = status
    with pytest.raises(TracerAway):
        otlp.export([ANSWERED])


@pytest.mark.parametrize("status", [400, 401])
def test_a_collector_that_says_no_is_not_asked_again(otlp: Otlp, host: CaptureServer, status: int) -> None:
    host.status = status
    with pytest.raises(TracerRefused) as caught:
        otlp.export([ANSWERED, hit()])
    assert caught.value.records == 2


def test_a_collector_that_hangs_is_away_after_the_timeout(otlp: Otlp, host: CaptureServer) -> None:
    host.hanging = True
    with pytest.raises(TracerAway):
        otlp.export([ANSWERED])
