"""Traces and scores as OpenTelemetry spans, in the words of its GenAI semantic conventions.

Langfuse v3 and v4 take the same spans; what their own names alone can say is said in those as well.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from gateway_app.tracing.records import Record, Score, trace_id
from gateway_app.tracing.trace import Generation, Trace, lay_out, span_id, split
from gateway_app.types import Message, Usage

PROVIDERS = {"gemini": "gcp.gemini"}
"""Our names where the conventions have another."""

PARAMETERS = {"stop": "stop_sequences"}
"""The same."""

SCOPE = InstrumentationScope("llmgateway")


def spans_of(record: Record, resource: Resource) -> list[ReadableSpan]:
    """A span of the call and in it a client span for each try; of a score, one span without length."""
    if isinstance(record, Score):
        return [_score(record, resource)]
    trace = lay_out(record)
    tries = [_try(trace, generation, resource) for generation in trace.generations]
    return [_root(trace, resource), *tries]


def _root(trace: Trace, resource: Resource) -> ReadableSpan:
    call = trace.call
    about = {f"llmgateway.{name}": value for name, value in trace.facts.items()}
    about |= {"langfuse.trace.name": trace.name, "langfuse.trace.tags": trace.tags}
    return ReadableSpan(
        name=f"{call.surface} {trace.name}" if call.prompt_name else call.surface,
        context=_context(trace.id, trace.root_id),
        resource=resource,
        attributes=_known(about | _who(trace)),
        kind=SpanKind.INTERNAL,
        status=_status(call.error_code),
        start_time=_nanoseconds(trace.began),
        end_time=_nanoseconds(trace.ended),
        instrumentation_scope=SCOPE,
    )


def _try(trace: Trace, generation: Generation, resource: Resource) -> ReadableSpan:
    return ReadableSpan(
        name=f"chat {generation.attempt.model}",
        context=_context(trace.id, generation.id),
        parent=_context(trace.id, trace.root_id),
        resource=resource,
        attributes=_known(_of_the_try(trace, generation) | _who(trace)),
        kind=SpanKind.CLIENT,
        status=_status(generation.error),
        start_time=_nanoseconds(generation.began),
        end_time=_nanoseconds(generation.ended),
        instrumentation_scope=SCOPE,
    )


def _score(score: Score, resource: Resource) -> ReadableSpan:
    """As the event `gen_ai.evaluation.result`, on a span in the call's trace."""
    now = _nanoseconds(datetime.now(UTC))
    trace = trace_id(score.call_id)
    words = isinstance(score.value, str)
    result = {
        "gen_ai.evaluation.name": score.name,
        "gen_ai.evaluation.score.label": score.value if words else None,
        "gen_ai.evaluation.score.value": None if words else float(score.value),
        "gen_ai.evaluation.explanation": score.comment,
    }
    return ReadableSpan(
        name=f"evaluate {score.name}",
        context=_context(trace, span_id(trace, f"score/{score.id}")),
        parent=_context(trace, span_id(trace, "root")),
        resource=resource,
        events=[Event("gen_ai.evaluation.result", attributes=_known(result), timestamp=now)],
        kind=SpanKind.INTERNAL,
        start_time=now,
        end_time=now,
        instrumentation_scope=SCOPE,
    )


def _of_the_try(trace: Trace, generation: Generation) -> dict[str, Any]:
    call, attempt = trace.call, generation.attempt
    about: dict[str, Any] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": PROVIDERS.get(attempt.provider, attempt.provider),
        "gen_ai.request.model": attempt.model,
        "gen_ai.request.stream": call.streamed,
        **{f"gen_ai.request.{PARAMETERS.get(name, name)}": value for name, value in trace.parameters.items()},
        "gen_ai.response.model": generation.model_served,
        "gen_ai.response.finish_reasons": [generation.finish_reason] if generation.finish_reason else None,
        "gen_ai.prompt.name": call.prompt_name,
        "http.response.status_code": attempt.status,
        "error.type": generation.error,
        "langfuse.observation.prompt.name": call.prompt_name,
        "langfuse.observation.prompt.version": trace.prompt_number,
    }
    if generation.first_token:
        waited = (generation.first_token - generation.began).total_seconds()
        about["gen_ai.response.time_to_first_chunk"] = waited
        about["langfuse.observation.completion_start_time"] = _json(generation.first_token)
    if generation.usage:
        about |= _usage(generation.usage)
    if generation.cost_usd is not None:
        about["langfuse.observation.cost_details"] = _json({"total": float(generation.cost_usd)})
        about["gen_ai.usage.cost"] = float(generation.cost_usd)
    return about | _said(generation)


def _usage(usage: Usage) -> dict[str, Any]:
    """The conventions count wholes and name the parts in them; Langfuse adds up parts."""
    return {
        "gen_ai.usage.input_tokens": usage.input_tokens,
        "gen_ai.usage.cache_read.input_tokens": usage.cached_tokens,
        "gen_ai.usage.output_tokens": usage.output_tokens + usage.thinking_tokens,
        "gen_ai.usage.reasoning.output_tokens": usage.thinking_tokens,
        "langfuse.observation.usage_details": _json(split(usage)),
    }


def _said(generation: Generation) -> dict[str, Any]:
    """In the conventions' schema of messages: a role and its parts."""
    content = generation.content
    if content is None:
        return {}
    told = {"gen_ai.input.messages": _json([_message(message) for message in content.messages])}
    if content.reply is not None:
        reply = _message(Message(role="assistant", content=content.reply, tool_calls=content.tool_calls))
        told["gen_ai.output.messages"] = _json([{**reply, "finish_reason": generation.finish_reason}])
    return told


def _message(message: Message) -> dict[str, Any]:
    parts: list[dict[str, Any]] = []
    if message.role == "tool":
        parts.append({"type": "tool_call_response", "id": message.tool_call_id, "response": message.content})
    elif message.content:
        parts.append({"type": "text", "content": message.content})
    parts += [{"type": "blob", "mime_type": image.media_type, "content": ""} for image in message.images]
    parts += [
        {"type": "tool_call", "id": call.id, "name": call.name, "arguments": call.arguments}
        for call in message.tool_calls
    ]
    return {"role": message.role, "parts": parts}


def _who(trace: Trace) -> dict[str, Any]:
    session = trace.call.session_id
    return {"gen_ai.conversation.id": session, "session.id": session, "user.id": trace.call.user}


def _context(trace: str, span: str) -> SpanContext:
    return SpanContext(
        trace_id=int(trace, 16),
        span_id=int(span, 16),
        is_remote=False,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )


def _status(error: str | None) -> Status:
    return Status(StatusCode.ERROR, error) if error else Status(StatusCode.UNSET)


def _nanoseconds(moment: datetime) -> int:
    """Since 1970, exact to the microsecond that a datetime has."""
    return int(moment.timestamp()) * 1_000_000_000 + moment.microsecond * 1_000


def _known(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if value is not None}


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
