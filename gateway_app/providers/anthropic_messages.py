"""Our values as Anthropic's Messages take them. Source: platform.claude.com/docs/en/api/messages."""

import base64
import re
from typing import Any

import msgspec

from gateway_app.providers.anthropic_schema import restricted
from gateway_app.providers.effort import effort
from gateway_app.providers.objects import as_object
from gateway_app.types import CompletionRequest, Message, Parameters, ToolCall

DEFAULT_MAX_TOKENS = 8192
"""Anthropic demands a limit where OpenAI and Google take the model's own."""
LEAST_BUDGET = 1024
BUDGETED = re.compile(r"claude-(?:[123]|instant|haiku-4|sonnet-4|opus-4-[0-6])")
"""Models up to 4.6 take sampling and a thinking budget; later ones refuse both and take an effort."""
JSON_ONLY = "Answer with one JSON object and nothing else: no prose around it, no code fence."
"""Anthropic has no JSON mode without a schema."""


class _Block(msgspec.Struct, frozen=True, tag_field="type", forbid_unknown_fields=True):
    """A block of thinking. Whatever else comes as a signature is the caller's own, and no vendor reads it."""


class _Thinking(_Block, frozen=True, tag="thinking"):
    thinking: str
    signature: str


class _Redacted(_Block, frozen=True, tag="redacted_thinking"):
    data: str


_thoughts = msgspec.json.Decoder(list[_Thinking | _Redacted]).decode


def body(request: CompletionRequest, *, whole: bool) -> dict[str, Any]:
    """Of `POST /v1/messages`. A seed has no counterpart and is left out."""
    parameters = request.parameters
    given = {
        "model": request.model,
        "system": _system(request) or None,
        "messages": _turns(request.messages),
        "max_tokens": parameters.max_tokens or DEFAULT_MAX_TOKENS + max(parameters.thinking_budget or 0, 0),
        "stop_sequences": list(parameters.stop) or None,
        "stream": None if whole else True,
        **_tools(parameters),
        **_thinking_and_sampling(request.model, parameters),
    }
    if parameters.response_schema is not None:
        # Not a forced tool: current models refuse those, and the caller's own tools stay usable beside it.
        shape = {"type": "json_schema", "schema": restricted(parameters.response_schema)}
        given["output_config"] = given.get("output_config", {}) | {"format": shape}
    return {name: value for name, value in given.items() if value is not None}


def _system(request: CompletionRequest) -> str:
    said = [message.content for message in request.messages if message.role == "system"]
    if request.parameters.json_mode and request.parameters.response_schema is None:
        said.append(JSON_ONLY)
    return "\n\n".join(filter(None, said))


def _turns(messages: tuple[Message, ...]) -> list[dict[str, Any]]:
    """Neighbours of one role are merged: the results of parallel calls must come in one turn."""
    turns: list[dict[str, Any]] = []
    for message in messages:
        role = "assistant" if message.role == "assistant" else "user"
        blocks = _blocks(message)
        if message.role == "system" or not blocks:
            continue
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += blocks
        else:
            turns.append({"role": role, "content": blocks})
    return turns


def _blocks(message: Message) -> list[dict[str, Any]]:
    """Anthropic refuses empty texts, so that an empty message has no blocks."""
    visible = [_image(image.media_type, image.data) for image in message.images]
    if message.content.strip():
        visible.append({"type": "text", "text": message.content})
    if message.role == "tool":
        return [{"type": "tool_result", "tool_use_id": message.tool_call_id, "content": visible}]
    if not message.tool_calls:
        return visible
    first, *others = message.tool_calls
    # What was thought before the first call was thought before the text, too.
    blocks = [*thoughts(first.signature), *visible, _tool_use(first)]
    for call in others:
        blocks += [*thoughts(call.signature), _tool_use(call)]
    return blocks


def _image(media_type: str, data: str) -> dict[str, Any]:
    return {"type": "image", "source": {"type": "base64", "media_type": media_type, "data": data}}


def _tool_use(call: ToolCall) -> dict[str, Any]:
    given = as_object(call.arguments, wrapped_as="arguments")
    return {"type": "tool_use", "id": call.id, "name": call.name, "input": given}


def signature(blocks: list[dict[str, str]]) -> str | None:
    """The thinking before a tool call as one opaque text: Anthropic wants it back, word for word."""
    return base64.b64encode(msgspec.json.encode(blocks)).decode() if blocks else None


def thoughts(signed: str | None) -> list[dict[str, Any]]:
    """What `signature` made a text of; nothing where another vendor signed, or the caller himself."""
    try:
        return [msgspec.to_builtins(block) for block in _thoughts(base64.b64decode(signed or ""))]
    except ValueError:
        return []


def _tools(parameters: Parameters) -> dict[str, Any]:
    if not parameters.tools:
        return {}
    modes = {"auto": "auto", "none": "none", "required": "any"}
    choice = parameters.tool_choice
    tools = [
        {
            "name": tool["name"],
            "description": tool.get("description") or "",
            "input_schema": tool.get("parameters") or {"type": "object"},
        }
        for tool in parameters.tools
    ]
    if choice is None:
        return {"tools": tools}
    named = {"type": modes[choice]} if choice in modes else {"type": "tool", "name": choice}
    return {"tools": tools, "tool_choice": named}


def _thinking_and_sampling(model: str, parameters: Parameters) -> dict[str, Any]:
    budget = parameters.thinking_budget
    if not BUDGETED.match(model):
        return _effort(budget)
    if budget is not None and budget > 0:
        # A model that thinks refuses to be sampled otherwise than by default.
        return {"thinking": {"type": "enabled", "budget_tokens": max(budget, LEAST_BUDGET)}}
    if parameters.temperature is not None:
        # One of the two at most.
        return {"temperature": parameters.temperature}
    return {"top_p": parameters.top_p}


def _effort(budget: int | None) -> dict[str, Any]:
    level = effort(budget)
    if level is None:
        return {}
    chosen: dict[str, Any] = {"output_config": {"effort": level}}
    return chosen | ({"thinking": {"type": "adaptive"}} if budget else {})
