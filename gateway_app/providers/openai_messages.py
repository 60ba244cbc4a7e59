"""Our values as OpenAI's chat completions take them. Source: platform.openai.com/docs/api-reference/chat."""

import re
from collections.abc import Mapping
from typing import Any

from gateway_app.providers.effort import effort
from gateway_app.types import CompletionRequest, Image, Message, Parameters, ToolCall

REASONING = re.compile(r"(o\d|gpt-[5-9])(?!.*-chat)")
"""OpenAI's reasoning models refuse every temperature and top_p but their own, and know the limit only by its
newer name. Everybody else knows the older one, many compatible servers no other."""


def body(request: CompletionRequest, *, whole: bool) -> dict[str, Any]:
    """Of `POST /chat/completions`."""
    parameters = request.parameters
    given: dict[str, Any] = {
        "model": request.model,
        "messages": [_message(message) for message in request.messages],
        "stop": list(parameters.stop) or None,
        "seed": parameters.seed,
        "reasoning_effort": effort(parameters.thinking_budget),
        "response_format": _response_format(parameters),
    }
    if REASONING.match(request.model):
        given["max_completion_tokens"] = parameters.max_tokens
    else:
        sampling = {"temperature": parameters.temperature, "top_p": parameters.top_p}
        given |= {"max_tokens": parameters.max_tokens} | sampling
    if not whole:
        given |= {"stream": True, "stream_options": {"include_usage": True}}
    return {name: value for name, value in (given | _tools(parameters)).items() if value is not None}


def _message(message: Message) -> dict[str, Any]:
    if message.role == "tool":
        return {"role": "tool", "tool_call_id": message.tool_call_id, "content": message.content}
    given: dict[str, Any] = {"role": message.role, "content": _content(message)}
    if message.name:
        given["name"] = message.name
    if message.tool_calls:
        given["tool_calls"] = [_call(call) for call in message.tool_calls]
    return given


def _content(message: Message) -> str | list[dict[str, Any]] | None:
    if not message.images:
        return message.content or (None if message.tool_calls else "")
    pictures: list[dict[str, Any]] = [
        {"type": "image_url", "image_url": _image(image)} for image in message.images
    ]
    return pictures + ([{"type": "text", "text": message.content}] if message.content else [])


def _image(image: Image) -> dict[str, str]:
    url = {"url": f"data:{image.media_type};base64,{image.data}"}
    return url | ({"detail": image.detail} if image.detail else {})


def _call(call: ToolCall) -> dict[str, Any]:
    return {
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": call.arguments},
    }


def _response_format(parameters: Parameters) -> dict[str, Any] | None:
    schema = parameters.response_schema
    if schema is not None:
        described = {"name": "reply", "schema": schema, "strict": _fits_strict_mode(schema)}
        return {"type": "json_schema", "json_schema": described}
    return {"type": "json_object"} if parameters.json_mode else None


def _fits_strict_mode(schema: Any) -> bool:
    """Whether every object is closed and requires all it has: others are refused in strict mode."""
    if isinstance(schema, list):
        return all(map(_fits_strict_mode, schema))
    if not isinstance(schema, Mapping):
        return True
    if schema.get("type") == "object" and not _closed(schema):
        return False
    return all(map(_fits_strict_mode, schema.values()))


def _closed(schema: Mapping[str, Any]) -> bool:
    """What the vendor will refuse, such as names that are no texts, is not closed."""
    properties, required = schema.get("properties") or {}, schema.get("required", [])
    if not isinstance(properties, Mapping) or not isinstance(required, list):
        return False
    names = len(required) == len(properties) and all(name in required for name in properties)
    return names and schema.get("additionalProperties") is False


def _tools(parameters: Parameters) -> dict[str, Any]:
    if not parameters.tools:
        return {}
    choice: str | dict[str, Any] | None = parameters.tool_choice
    if choice not in (None, "auto", "none", "required"):
        choice = {"type": "function", "function": {"name": choice}}
    tools = [{"type": "function", "function": dict(tool)} for tool in parameters.tools]
    return {"tools": tools, "tool_choice": choice}
