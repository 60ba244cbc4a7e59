"""One reply of Gemini's, whole or as events. Source: ai.google.dev/api/generate-content (v1beta)."""

import json
from typing import Any

import msgspec

from gateway_app.exceptions import ProviderBadReply
from gateway_app.ids import uuid7_hex
from gateway_app.providers.gemini_errors import error_in_stream
from gateway_app.types import Chunk, FinishReason, ToolCall, Usage

FINISH_REASONS: dict[str, FinishReason] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "LANGUAGE": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
}
"""What is not here (OTHER, MALFORMED_FUNCTION_CALL, a reason of tomorrow) is `error`."""


class FunctionCall(msgspec.Struct):
    name: str | None = None
    id: str | None = None
    args: dict[str, Any] | None = None


class Part(msgspec.Struct, rename="camel"):
    """Of any kind: the fields of those that are read here."""

    text: str | None = None
    thought: bool | None = None
    function_call: FunctionCall | None = None
    thought_signature: str | None = None
    """Base64."""


class Content(msgspec.Struct):
    parts: list[Part] | None = None


class Candidate(msgspec.Struct, rename="camel"):
    content: Content | None = None
    finish_reason: str | None = None


class PromptFeedback(msgspec.Struct, rename="camel"):
    block_reason: str | None = None


class ModalityCount(msgspec.Struct, rename="camel"):
    """How many tokens of a count are of one kind: TEXT, IMAGE, AUDIO, …"""

    modality: str | None = None
    token_count: int | None = None


class Counts(msgspec.Struct, rename="camel"):
    prompt_token_count: int | None = None
    cached_content_token_count: int | None = None
    candidates_token_count: int | None = None
    tool_use_prompt_token_count: int | None = None
    thoughts_token_count: int | None = None
    total_token_count: int | None = None
    prompt_tokens_details: list[ModalityCount] | None = None
    cache_tokens_details: list[ModalityCount] | None = None
    candidates_tokens_details: list[ModalityCount] | None = None


class Reply(msgspec.Struct, rename="camel"):
    """`GenerateContentResponse`: a stream is a row of them, and the counts of each are of all until then."""

    candidates: list[Candidate] | None = None
    prompt_feedback: PromptFeedback | None = None
    usage_metadata: Counts | None = None
    model_version: str | None = None
    error: Any = None


_decode = msgspec.json.Decoder(Reply).decode


class Reading:
    """Follows one reply through its parts."""

    def __init__(self) -> None:
        self._finished = False
        self._calls = 0

    def chunk(self, data: bytes) -> Chunk:
        """Of one event, or of a whole reply.

        Raises `ValueError` for what is not JSON of Gemini's shape, `ProviderBadReply` where it says nothing
        at all, `ProviderError` or `ModelNotFound` for an error in the stream.
        """
        reply = _decode(data)
        if reply.error:
            raise error_in_stream(data)
        candidate = reply.candidates[0] if reply.candidates else None
        blocked = bool(reply.prompt_feedback and reply.prompt_feedback.block_reason)
        if candidate is None and not blocked and reply.usage_metadata is None:
            raise ProviderBadReply("the vendor's reply is empty")
        parts = (candidate.content.parts if candidate and candidate.content else None) or []
        calls = tuple(self._tool_call(part, part.function_call) for part in parts if part.function_call)
        return Chunk(
            text="".join(part.text for part in parts if part.text and not part.thought),
            tool_calls=calls,
            finish_reason=self._finish_reason(candidate, blocked=blocked),
            usage=_usage(reply.usage_metadata),
            model=reply.model_version,
        )

    def end(self) -> None:
        """Raises `ProviderBadReply` where the reply never said why it ended."""
        if not self._finished:
            raise ProviderBadReply("the vendor's reply ended before it was finished")

    def _finish_reason(self, candidate: Candidate | None, *, blocked: bool) -> FinishReason | None:
        if candidate is None or not candidate.finish_reason:
            self._finished = self._finished or blocked
            return "content_filter" if blocked else None
        self._finished = True
        reason = FINISH_REASONS.get(candidate.finish_reason, "error")
        return "tool_calls" if reason == "stop" and self._calls else reason

    def _tool_call(self, part: Part, call: FunctionCall) -> ToolCall:
        self._calls += 1
        return ToolCall(
            id=call.id or f"call_{uuid7_hex()}",
            name=call.name or "",
            arguments=json.dumps(call.args or {}, ensure_ascii=False),
            signature=part.thought_signature,
        )


def _usage(counts: Counts | None) -> Usage | None:
    """Gemini's prompt count includes its cached part; thoughts stand outside the candidates' count."""
    if counts is None:
        return None
    given = (counts.prompt_token_count or 0) + (counts.tool_use_prompt_token_count or 0)
    output, thinking = counts.candidates_token_count or 0, counts.thoughts_token_count or 0
    return Usage(
        input_tokens=given,
        cached_tokens=counts.cached_content_token_count or 0,
        output_tokens=output,
        thinking_tokens=thinking,
        total_tokens=counts.total_token_count or given + output + thinking,
        input_audio_tokens=_tokens_of("AUDIO", counts.prompt_tokens_details),
        cached_audio_tokens=_tokens_of("AUDIO", counts.cache_tokens_details),
        output_audio_tokens=_tokens_of("AUDIO", counts.candidates_tokens_details),
        input_image_tokens=_tokens_of("IMAGE", counts.prompt_tokens_details),
        output_image_tokens=_tokens_of("IMAGE", counts.candidates_tokens_details),
    )


def _tokens_of(modality: str, details: list[ModalityCount] | None) -> int:
    if not details:
        return 0
    return sum(detail.token_count or 0 for detail in details if detail.modality == modality)
