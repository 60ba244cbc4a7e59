"""Traces and scores as the events of Langfuse's ingestion API, in its own field names."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from gateway_app.content import Content
from gateway_app.tracing.records import Record, Score, trace_id
from gateway_app.tracing.trace import Generation, Trace, lay_out, split
from gateway_app.types import Message

Event = dict[str, Any]


def events_of(record: Record) -> Iterator[Event]:
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


def _score(score: Score) -> Event:
    words = isinstance(score.value, str)
    body = {
        "id": score.id,
        "traceId": trace_id(score.call_id),
        "name": score.name,
        "value": score.value if words else float(score.value),
        "comment": score.comment,
        "dataType": "CATEGORICAL" if words else "BOOLEAN" if isinstance(score.value, bool) else "NUMERIC",
    }
    # A score may change: each telling is an event of its own.
    return _event("score-create", f"{score.id}/{uuid4().hex}", at=datetime.now(UTC), body=body)


def _trace(trace: Trace) -> Event:
    body = {
        "id": trace.id,
        "timestamp": _time(trace.began),
        "name": trace.name,
        "sessionId": trace.call.session_id,
        "userId": trace.call.user,
        "version": trace.call.prompt_version,
        "input": _asked(trace.call.content),
        "output": _answered(trace.call.content),
        "metadata": trace.facts,
        "tags": trace.tags,
    }
    return _event("trace-create", f"{trace.id}/trace", at=trace.began, body=body)


def _generation(trace: Trace, generation: Generation) -> Event:
    call, attempt = trace.call, generation.attempt
    body = {
        "id": generation.id,
        "traceId": trace.id,
        "name": attempt.model,
        "startTime": _time(generation.began),
        "endTime": _time(generation.ended),
        "completionStartTime": _time(generation.first_token) if generation.first_token else None,
        "model": generation.model_served or attempt.model,
        "modelParameters": {name: _parameter(value) for name, value in trace.parameters.items()},
        "input": _asked(generation.content),
        "output": _answered(generation.content),
        "usageDetails": split(generation.usage) if generation.usage else None,
        "costDetails": None if generation.cost_usd is None else {"total": float(generation.cost_usd)},
        "promptName": call.prompt_name,
        "promptVersion": trace.prompt_number,
        "level": _level(trace, generation.error),
        "statusMessage": generation.error or generation.finish_reason or call.outcome,
        "metadata": _known(
            {"provider": attempt.provider, "status": attempt.status, "version": call.prompt_version}
        ),
    }
    return _event("generation-create", f"{trace.id}/{generation.id}", at=generation.began, body=body)


def _span(trace: Trace) -> Event:
    """What a call is that asked no vendor."""
    body = {
        "id": trace.root_id,
        "traceId": trace.id,
        "name": "cache" if trace.from_cache else "refused",
        "startTime": _time(trace.began),
        "endTime": _time(trace.ended),
        "level": _level(trace, trace.call.error_code),
        "statusMessage": trace.call.error_code or trace.call.cache,
        "metadata": _known({"model": trace.call.model, "cache": trace.call.cache}),
    }
    return _event("span-create", f"{trace.id}/{trace.root_id}", at=trace.began, body=body)


def _event(kind: str, identifier: str, *, at: datetime, body: dict[str, Any]) -> Event:
    return {"id": identifier, "type": kind, "timestamp": _time(at), "body": _known(body)}


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
    return told | _known({"tool_call_id": message.tool_call_id, "name": message.name})


def _parameter(value: Any) -> Any:
    """The API takes texts, whole numbers, truths and lists of texts."""
    if isinstance(value, list | tuple):
        return [str(one) for one in value]
    return str(value) if isinstance(value, float) else value


def _level(trace: Trace, error: str | None) -> str:
    if error:
        return "ERROR"
    return "WARNING" if trace.call.outcome == "cancelled" else "DEFAULT"


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _known(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
