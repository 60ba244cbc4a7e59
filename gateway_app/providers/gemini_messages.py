"""Our values to Gemini's shapes and back. Source: ai.google.dev/api/generate-content (v1beta)."""

import base64
import json
from typing import Any

from google.genai import types

from gateway_app.exceptions import ProviderBadReply
from gateway_app.ids import uuid7
from gateway_app.types import Chunk, CompletionRequest, FinishReason, Message, Parameters, ToolCall, Usage

DEPTH = 64
"""Levels of nesting that are passed on as structure; Google's own limit is below 100."""

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


def arguments(request: CompletionRequest) -> dict[str, Any]:
    """Keyword arguments of `generate_content` and `generate_content_stream`."""
    return {"model": request.model, "contents": _contents(request.messages), "config": _config(request)}


def _contents(messages: tuple[Message, ...]) -> list[dict[str, Any]]:
    """Turns, without the system's; neighbours of one role are merged, as Gemini wants them to alternate."""
    names = {call.id: call.name for message in messages for call in message.tool_calls}
    spoken = [message for message in messages if message.role != "system"]
    turns: list[dict[str, Any]] = []
    # A request of system text alone is answered as if the user had said it: Gemini wants a turn.
    for message in spoken or messages:
        role = "model" if message.role == "assistant" else "user"
        parts = _parts(message, names)
        if turns and turns[-1]["role"] == role:
            turns[-1]["parts"] += parts
        else:
            turns.append({"role": role, "parts": parts})
    return turns


def _parts(message: Message, names: dict[str, str]) -> list[dict[str, Any]]:
    if message.role == "tool":
        name = message.name or names.get(message.tool_call_id or "", "unknown")
        return [{"function_response": {"name": name, "response": _as_object(message.content)}}]
    parts: list[dict[str, Any]] = [
        {"inline_data": {"mime_type": image.media_type, "data": image.data}} for image in message.images
    ]
    if message.content or not (parts or message.tool_calls):
        parts.append({"text": message.content})
    return parts + [_call_part(call) for call in message.tool_calls]


def _call_part(call: ToolCall) -> dict[str, Any]:
    part: dict[str, Any] = {"function_call": {"name": call.name, "args": _as_object(call.arguments)}}
    if call.signature:
        part["thought_signature"] = base64.b64decode(call.signature)
    return part


def _as_object(text: str) -> dict[str, Any]:
    """Gemini takes objects only; anything else is wrapped, and what is nested too deeply stays text."""
    try:
        value = json.loads(text) if nesting(text) <= DEPTH else text
    except ValueError:
        value = text
    return value if isinstance(value, dict) else {"result": value}


def nesting(text: str) -> int:
    """At least the depth of the JSON in `text`: brackets inside strings count too."""
    depth = deepest = 0
    for character in text:
        if character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest


def _config(request: CompletionRequest) -> dict[str, Any]:
    parameters = request.parameters
    system = "\n\n".join(message.content for message in request.messages if message.role == "system")
    config: dict[str, Any] = {
        "system_instruction": system or None,
        "temperature": parameters.temperature,
        "max_output_tokens": parameters.max_tokens,
        "top_p": parameters.top_p,
        "stop_sequences": list(parameters.stop) or None,
        "seed": parameters.seed,
        "automatic_function_calling": {"disable": True},
        "automatic_continuation": False,
    }
    if parameters.thinking_budget is not None:
        config["thinking_config"] = {"thinking_budget": parameters.thinking_budget}
    if parameters.safety_settings:
        config["safety_settings"] = [
            {"category": category, "threshold": threshold}
            for category, threshold in parameters.safety_settings.items()
        ]
    if parameters.json_mode or parameters.response_schema is not None:
        config["response_mime_type"] = "application/json"
        config["response_json_schema"] = parameters.response_schema and dict(parameters.response_schema)
    return {name: value for name, value in (config | _tools(parameters)).items() if value is not None}


def _tools(parameters: Parameters) -> dict[str, Any]:
    if not parameters.tools:
        return {}
    declarations = [
        {
            "name": tool["name"],
            "description": tool.get("description"),
            "parameters_json_schema": tool.get("parameters"),
        }
        for tool in parameters.tools
    ]
    modes = {None: "AUTO", "auto": "AUTO", "none": "NONE", "required": "ANY"}
    calling: dict[str, Any] = {"mode": modes.get(parameters.tool_choice, "ANY")}
    if parameters.tool_choice not in modes:
        calling["allowed_function_names"] = [parameters.tool_choice]
    return {
        "tools": [{"function_declarations": declarations}],
        "tool_config": {"function_calling_config": calling},
    }


class Reading:
    """Follows one reply through its responses."""

    def __init__(self) -> None:
        self.finished = False
        self._calls = 0

    def chunk(self, response: types.GenerateContentResponse) -> Chunk:
        """Raises `ProviderBadReply` where the response says nothing at all."""
        candidate = response.candidates[0] if response.candidates else None
        blocked = response.prompt_feedback and response.prompt_feedback.block_reason
        if candidate is None and not blocked and response.usage_metadata is None:
            raise ProviderBadReply("the vendor's reply is empty")
        parts = (candidate.content.parts if candidate and candidate.content else None) or []
        calls = tuple(self._tool_call(part) for part in parts if part.function_call)
        return Chunk(
            text="".join(part.text for part in parts if part.text and not part.thought),
            tool_calls=calls,
            finish_reason=self._finish_reason(candidate, blocked=bool(blocked)),
            usage=_usage(response.usage_metadata),
            model=response.model_version,
        )

    def _finish_reason(self, candidate: types.Candidate | None, *, blocked: bool) -> FinishReason | None:
        if candidate is None or not candidate.finish_reason:
            self.finished = self.finished or blocked
            return "content_filter" if blocked else None
        self.finished = True
        reason = FINISH_REASONS.get(candidate.finish_reason.value, "error")
        return "tool_calls" if reason == "stop" and self._calls else reason

    def _tool_call(self, part: types.Part) -> ToolCall:
        call = part.function_call
        assert call is not None
        self._calls += 1
        signature = part.thought_signature
        return ToolCall(
            id=call.id or f"call_{uuid7().hex}",
            name=call.name or "",
            arguments=json.dumps(call.args or {}, ensure_ascii=False),
            signature=base64.b64encode(signature).decode() if signature else None,
        )


def _usage(counts: types.GenerateContentResponseUsageMetadata | None) -> Usage | None:
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


def _tokens_of(modality: str, details: list[types.ModalityTokenCount] | None) -> int:
    return sum(detail.token_count or 0 for detail in details or () if detail.modality == modality)
