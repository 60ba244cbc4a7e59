"""The parts that a whole reply and a stream's chunks have in common."""

from collections.abc import Mapping

from msgspec import UNSET

from gateway_app import types
from gateway_app.events import End, Start
from gateway_app.v1.replies import (
    CompletionTokens,
    CompletionUsage,
    FinishReason,
    GatewayNote,
    PromptTokens,
)
from gateway_app.v1.schemas import ExtraContent, GoogleContent

FINISH_REASONS: Mapping[types.FinishReason, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
    # OpenAI has no word for a vendor that broke off; this one at least says that something is missing.
    "error": "content_filter",
}


def usage(counted: types.Usage) -> CompletionUsage:
    return CompletionUsage(
        prompt_tokens=counted.input_tokens,
        completion_tokens=counted.output_tokens + counted.thinking_tokens,
        total_tokens=counted.total_tokens,
        prompt_tokens_details=PromptTokens(
            cached_tokens=counted.cached_tokens, audio_tokens=counted.input_audio_tokens or UNSET
        ),
        completion_tokens_details=CompletionTokens(
            reasoning_tokens=counted.thinking_tokens, audio_tokens=counted.output_audio_tokens or UNSET
        ),
    )


def note(start: Start, end: End) -> GatewayNote:
    return GatewayNote(
        request_id=start.request_id,
        cost_usd=None if end.cost_usd is None else float(end.cost_usd),
        cache_hit=start.cache == "HIT",
        prompt_version=start.prompt_version,
    )


def extra_content(call: types.ToolCall) -> ExtraContent | None:
    return ExtraContent(google=GoogleContent(thought_signature=call.signature)) if call.signature else None
