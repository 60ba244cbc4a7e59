"""Traces and scores as the events of Langfuse's ingestion API."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from langfuse.api import (  # type: ignore[import-untyped]
    CreateGenerationBody,
    CreateSpanBody,
    IngestionEvent_GenerationCreate,
    IngestionEvent_ScoreCreate,
    IngestionEvent_SpanCreate,
    IngestionEvent_TraceCreate,
    ScoreBody,
    TraceBody,
)
from langfuse.api.core.datetime_utils import serialize_datetime  # type: ignore[import-untyped]

from gateway_app.content import Content
from gateway_app.tracing.records import Record, Score, trace_id
from gateway_app.tracing.trace import Generation, Trace, lay_out, split
from gateway_app.types import Message


def events_of(record: Record) -> Iterator[Any]:
    """One trace a call; in it a generation for each try, or a span for a cache hit or an early refusal.

    The part of an event's id before its last `/` is its record's. The server drops an id that it has seen.
    """
    if isinstance(record, Score):
        yield _score(record)
        return
    trace = lay_out(record)
    yield _trace(trace)
    for generation in trace.generations:
        yield _generation(trace, generation)
    if not trace.generations:
        yield _span(trace)


def _score(score: Score) -> Any:
    words = isinstance(score.value, str)
    kind = "CATEGORICAL" if words else "BOOLEAN" if isinstance(score.value, bool) else "NUMERIC"
    body = ScoreBody(
        id=score.id,
        trace_id=trace_id(score.call_id),
        name=score.name,
        value=score.value if words else float(score.value),
        comment=score.comment,
        data_type=kind,
    )
    # A score may change: each telling is an event of its own.
    return IngestionEvent_ScoreCreate(
        id=f"{score.id}/{uuid4().hex}", timestamp=serialize_datetime(datetime.now(UTC)), body=body
    )


def _trace(trace: Trace) -> Any:
    content = trace.call.content
    body = TraceBody(
        id=trace.id,
        timestamp=trace.began,
        name=trace.name,
        session_id=trace.call.session_id,
        version=trace.call.prompt_version,
        input=_asked(content),
        output=_answered(content),
        metadata=dict(trace.facts),
        tags=list(trace.tags),
    )
    return IngestionEvent_TraceCreate(
        id=f"{trace.id}/trace", timestamp=serialize_datetime(trace.began), body=body
    )


def _generation(trace: Trace, generation: Generation) -> Any:
    call, attempt = trace.call, generation.attempt
    body = CreateGenerationBody(
        id=generation.id,
        trace_id=trace.id,
        name=attempt.model,
        start_time=generation.began,
        end_time=generation.ended,
        completion_start_time=generation.first_token,
        model=generation.model_served or attempt.model,
        model_parameters={name: _parameter(value) for name, value in trace.parameters.items()},
        input=_asked(generation.content),
        output=_answered(generation.content),
        usage_details=split(generation.usage) if generation.usage else None,
        cost_details=None if generation.cost_usd is None else {"total": float(generation.cost_usd)},
        prompt_name=call.prompt_name,
        prompt_version=trace.prompt_number,
        level=_level(trace, generation.error),
        status_message=generation.error or generation.finish_reason or call.outcome,
        metadata=_without_none(provider=attempt.provider, status=attempt.status, version=call.prompt_version),
    )
    return IngestionEvent_GenerationCreate(
        id=f"{trace.id}/{generation.id}", timestamp=serialize_datetime(generation.began), body=body
    )


def _span(trace: Trace) -> Any:
    """What a call is that asked no vendor."""
    body = CreateSpanBody(
        id=trace.root_id,
        trace_id=trace.id,
        name="cache" if trace.from_cache else "refused",
        start_time=trace.began,
        end_time=trace.ended,
        level=_level(trace, trace.call.error_code),
        status_message=trace.call.error_code or trace.call.cache,
        metadata=_without_none(model=trace.call.model, cache=trace.call.cache),
    )
    return IngestionEvent_SpanCreate(
        id=f"{trace.id}/{trace.root_id}", timestamp=serialize_datetime(trace.began), body=body
    )


def _asked(content: Content | None) -> Any:
    """As OpenAI's messages, which Langfuse shows as a chat."""
    return [_message(message) for message in content.messages] if content else None


def _answered(content: Content | None) -> Any:
    if content is None or content.reply is None:
        return None
    if not content.tool_calls:
        return content.reply
    return _message(Message(role="assistant", content=content.reply, tool_calls=content.tool_calls))


def _message(message: Message) -> dict[str, Any]:
    told: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.images:
        told["images"] = [image.media_type for image in message.images]
    if message.tool_calls:
        told["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
    return told | _without_none(tool_call_id=message.tool_call_id, name=message.name)


def _parameter(value: Any) -> Any:
    """The API takes texts, whole numbers, truths and lists of texts."""
    if isinstance(value, list | tuple):
        return [str(one) for one in value]
    return str(value) if isinstance(value, float) else value


def _level(trace: Trace, error: str | None) -> str:
    if error:
        return "ERROR"
    return "WARNING" if trace.call.outcome == "cancelled" else "DEFAULT"


def _without_none(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
