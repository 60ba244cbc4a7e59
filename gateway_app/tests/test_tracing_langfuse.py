"""What Langfuse is sent, as its own SDK's types read it."""

from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from gateway_app.records import CallRecord
from gateway_app.testing.capture import CaptureServer
from gateway_app.tests.traced_calls import (
    ANSWERED,
    BEGAN,
    CONTENT,
    answered,
    failed,
    hit,
    refused,
    retried,
)
from gateway_app.tracing.base import TracerAway, TracerRefused
from gateway_app.tracing.langfuse import Langfuse
from gateway_app.tracing.records import Score, trace_id


@pytest.fixture
def host() -> Iterator[CaptureServer]:
    with CaptureServer(status=207) as running:
        yield running


@pytest.fixture
def langfuse(host: CaptureServer) -> Iterator[Langfuse]:
    running = Langfuse(host=host.url, public_key="pk-lf-1", secret_key="sk-lf-1", timeout=0.5)
    yield running
    running.close()


def sent(langfuse: Langfuse, host: CaptureServer, call: CallRecord) -> dict[str, list[Any]]:
    """The bodies by the type of their event."""
    langfuse.export([call])
    found: dict[str, list[Any]] = {}
    for event in host.events:
        found.setdefault(event.type, []).append(event.body)
    return found


def test_a_call_is_one_trace_with_its_id_session_tags_and_version(
    langfuse: Langfuse, host: CaptureServer
) -> None:
    [trace] = sent(langfuse, host, ANSWERED)["trace-create"]
    assert trace.id == ANSWERED.id.hex == trace_id(ANSWERED.id)
    assert (trace.name, trace.session_id, trace.version) == ("summarizer", "session-1", "v2")
    assert trace.tags == ["chat", "summarizer", "v2"]
    assert trace.timestamp == BEGAN
    assert trace.metadata["request_id"] == "request-1"
    assert trace.metadata["project"] == "shop"


def test_a_try_is_a_generation_with_model_parameters_prompt_and_times(
    langfuse: Langfuse, host: CaptureServer
) -> None:
    [generation] = sent(langfuse, host, ANSWERED)["generation-create"]
    assert generation.trace_id == ANSWERED.id.hex
    assert generation.model == "gemini-2.5-flash-001"
    assert generation.model_parameters == {
        "temperature": "0.2",
        "max_tokens": 256,
        "seed": 7,
        "stop": ["END"],
    }
    assert (generation.prompt_name, generation.prompt_version) == ("summarizer", 2)
    assert generation.start_time == BEGAN + timedelta(seconds=0.01)
    assert generation.completion_start_time == BEGAN + timedelta(seconds=0.21)
    assert generation.end_time == BEGAN + timedelta(seconds=0.71)


def test_the_parts_of_the_usage_add_up_and_do_not_overlap(langfuse: Langfuse, host: CaptureServer) -> None:
    [generation] = sent(langfuse, host, ANSWERED)["generation-create"]
    usage = dict(generation.usage_details)
    assert usage.pop("total") == sum(usage.values()) == 142
    assert usage == {"input": 60, "input_cached_tokens": 40, "output": 30, "output_reasoning_tokens": 12}
    assert generation.cost_details == {"total": 0.0001242}


def test_sound_is_a_part_of_its_own(langfuse: Langfuse, host: CaptureServer) -> None:
    heard = replace(ANSWERED.usage, input_audio_tokens=50)
    [generation] = sent(langfuse, host, answered(usage=heard))["generation-create"]
    usage = generation.usage_details
    assert (usage["input"], usage["input_audio_tokens"], usage["total"]) == (10, 50, 142)


def test_an_unknown_price_is_no_price(langfuse: Langfuse, host: CaptureServer) -> None:
    [generation] = sent(langfuse, host, answered(cost_usd=None))["generation-create"]
    assert generation.cost_details is None


def test_a_failed_try_is_a_generation_of_level_error_and_what_was_used_is_told_once(
    langfuse: Langfuse, host: CaptureServer
) -> None:
    first, second = sent(langfuse, host, retried())["generation-create"]
    assert (first.level, first.status_message) == ("ERROR", "provider_unavailable")
    assert (first.model, first.metadata["status"]) == ("gemini-2.5-pro", 503)
    assert (first.usage_details, first.cost_details, first.completion_start_time) == (None, None, None)
    assert (second.level, second.status_message) == ("DEFAULT", "stop")
    assert second.usage_details["total"] == 142
    assert first.end_time <= second.start_time


def test_a_call_that_failed_has_only_errors(langfuse: Langfuse, host: CaptureServer) -> None:
    generations = sent(langfuse, host, failed())["generation-create"]
    assert [generation.level for generation in generations] == ["ERROR", "ERROR"]


def test_a_cache_hit_is_a_span_and_uses_and_costs_nothing(langfuse: Langfuse, host: CaptureServer) -> None:
    found = sent(langfuse, host, hit())
    assert set(found) == {"trace-create", "span-create"}
    [span] = found["span-create"]
    assert (span.name, span.level, span.status_message) == ("cache", "DEFAULT", "HIT")
    assert found["trace-create"][0].metadata["saved_usd"] == 0.0001242


def test_a_call_that_reached_no_vendor_is_a_span_of_level_error(
    langfuse: Langfuse, host: CaptureServer
) -> None:
    [span] = sent(langfuse, host, refused())["span-create"]
    assert (span.level, span.status_message) == ("ERROR", "rate_limit_exceeded")


def test_a_call_that_its_client_left_is_a_warning(langfuse: Langfuse, host: CaptureServer) -> None:
    [generation] = sent(langfuse, host, answered(outcome="cancelled", finish_reason=None))[
        "generation-create"
    ]
    assert (generation.level, generation.status_message) == ("WARNING", "cancelled")


def test_what_was_said_is_sent_where_the_ledger_has_it(langfuse: Langfuse, host: CaptureServer) -> None:
    found = sent(langfuse, host, answered(content=CONTENT))
    for body in (found["trace-create"][0], found["generation-create"][0]):
        assert body.input[1] == {"role": "user", "content": "A long text of [email]."}
        assert body.output == "It is short."


def test_what_was_said_is_left_out_elsewhere(langfuse: Langfuse, host: CaptureServer) -> None:
    found = sent(langfuse, host, ANSWERED)
    for body in (found["trace-create"][0], found["generation-create"][0]):
        assert (body.input, body.output) == (None, None)


@pytest.mark.parametrize(
    ("value", "kind", "shown"),
    [(True, "BOOLEAN", 1.0), (0.75, "NUMERIC", 0.75), ("good", "CATEGORICAL", "good")],
)
def test_a_score_belongs_to_the_trace_of_its_call(
    langfuse: Langfuse, host: CaptureServer, value: bool | float | str, kind: str, shown: float | str
) -> None:
    langfuse.export([Score(id="s1", call_id=ANSWERED.id, name="thumbs", value=value, comment="nice")])
    [event] = host.events
    body = event.body
    assert (body.id, body.trace_id, body.name, body.comment) == ("s1", ANSWERED.id.hex, "thumbs", "nice")
    assert (body.data_type, body.value) == (kind, shown)


def test_a_call_sent_twice_is_the_same_to_the_server(langfuse: Langfuse, host: CaptureServer) -> None:
    langfuse.export([ANSWERED])
    langfuse.export([ANSWERED])
    ids = [event.id for event in host.events]
    assert ids[: len(ids) // 2] == ids[len(ids) // 2 :]


def test_it_signs_in_with_both_keys(langfuse: Langfuse, host: CaptureServer) -> None:
    langfuse.export([ANSWERED])
    expected = "Basic " + b64encode(b"pk-lf-1:sk-lf-1").decode()
    assert host.requests[0].headers["authorization"] == expected
    assert host.requests[0].headers["x_langfuse_sdk_version"].startswith("2.")


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_host_in_trouble_is_asked_again_later(host: CaptureServer, langfuse: Langfuse, status: int) -> None:
    host.status = status
    with pytest.raises(TracerAway):
        langfuse.export([ANSWERED])


@pytest.mark.parametrize("status", [400, 401, 403, 413])
def test_a_host_that_says_no_is_not_asked_again(host: CaptureServer, langfuse: Langfuse, status: int) -> None:
    host.status = status
    with pytest.raises(TracerRefused) as caught:
        langfuse.export([ANSWERED, hit()])
    assert caught.value.records == 2


def test_what_the_server_refuses_of_a_batch_is_counted(host: CaptureServer, langfuse: Langfuse) -> None:
    host.refused_events = 2  # the trace and the generation of the first call
    with pytest.raises(TracerRefused) as caught:
        langfuse.export([ANSWERED, hit()])
    assert caught.value.records == 1


def test_a_host_that_hangs_is_away_after_the_timeout(host: CaptureServer, langfuse: Langfuse) -> None:
    host.hanging = True
    began = datetime.now(UTC)
    with pytest.raises(TracerAway):
        langfuse.export([ANSWERED])
    assert datetime.now(UTC) - began < timedelta(seconds=3)
