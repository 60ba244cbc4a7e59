"""What Anthropic takes, and the same in the shape from which answers are made."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from gateway_app.testing.wire.requests import (
    Blob,
    Content,
    FunctionCall,
    FunctionCallingConfig,
    FunctionDeclaration,
    FunctionResponse,
    GenerateRequest,
    GenerationConfig,
    Part,
    ThinkingConfig,
    Tool,
    ToolConfig,
)

_SAMPLED = re.compile(r"claude-(?:3|haiku-4|sonnet-4|opus-4-[0-6])")


class Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What Anthropic does not know, it refuses."""


class Source(Strict, frozen=True):
    type: str
    media_type: str
    data: str


class Block(Strict, frozen=True):
    """A content block of any type."""

    type: str
    text: str = ""
    source: Source | None = None
    id: str = ""
    name: str = ""
    input: dict[str, Any] = {}
    tool_use_id: str = ""
    content: "list[Block]" = []
    thinking: str = ""
    signature: str = ""
    data: str = ""


class Turn(Strict, frozen=True):
    role: str
    content: list[Block]


class OfferedTool(Strict, frozen=True):
    name: str
    input_schema: dict[str, Any]
    description: str = ""


class ToolChoice(Strict, frozen=True):
    type: str
    name: str | None = None


class Thinking(Strict, frozen=True):
    type: str
    budget_tokens: int | None = None


class Format(Strict, frozen=True):
    type: str
    schema: dict[str, Any]


class OutputConfig(Strict, frozen=True):
    effort: str | None = None
    format: Format | None = None


class Messages(Strict, frozen=True):
    model: str
    max_tokens: int
    messages: list[Turn]
    system: str = ""
    temperature: float | None = None
    top_p: float | None = None
    stop_sequences: list[str] = []
    stream: bool = False
    tools: list[OfferedTool] = []
    tool_choice: ToolChoice = ToolChoice("auto")
    thinking: Thinking | None = None
    output_config: OutputConfig = OutputConfig()


decode = msgspec.json.Decoder(Messages).decode
"""Raises `msgspec.DecodeError` for what is not of that shape."""


def problems(given: Messages) -> Iterator[str]:
    """What Anthropic refuses in a request that is well-formed."""
    if not given.messages or given.messages[0].role != "user":
        yield "messages: first message must use the user role"
    if any(block.type == "text" and not block.text for turn in given.messages for block in turn.content):
        yield "messages: text content blocks must be non-empty"
    sampled = given.temperature is not None or given.top_p is not None
    budgeted = given.thinking is not None and given.thinking.type == "enabled"
    if not _SAMPLED.match(given.model) and (sampled or budgeted):
        yield "temperature, top_p and thinking budgets are not supported for this model"
    if sampled and budgeted:
        yield "temperature may only be set to 1 when thinking is enabled"


def as_gemini(given: Messages) -> GenerateRequest:
    """The request as the answers are made from it."""
    modes = {"auto": "AUTO", "none": "NONE", "any": "ANY", "tool": "ANY"}
    choice, shape = given.tool_choice, given.output_config.format
    calling = FunctionCallingConfig(
        mode=modes[choice.type], allowed_function_names=(choice.name,) if choice.name else ()
    )
    functions = tuple(
        FunctionDeclaration(
            name=tool.name, description=tool.description, parameters_json_schema=tool.input_schema
        )
        for tool in given.tools
    )
    config = GenerationConfig(
        temperature=given.temperature,
        max_output_tokens=given.max_tokens,
        stop_sequences=tuple(given.stop_sequences),
        response_mime_type="application/json" if shape else None,
        response_json_schema=shape.schema if shape else None,
        thinking_config=ThinkingConfig(thinking_budget=None if given.thinking else 0),
    )
    return GenerateRequest(
        contents=tuple(_contents(given.messages)),
        system_instruction=Content(parts=(Part(text=given.system),)),
        tools=(Tool(function_declarations=functions),),
        tool_config=ToolConfig(function_calling_config=calling),
        generation_config=config,
    )


def _contents(turns: list[Turn]) -> Iterator[Content]:
    names = {block.id: block.name for turn in turns for block in turn.content if block.id}
    for turn in turns:
        role = "model" if turn.role == "assistant" else "user"
        yield Content(role=role, parts=tuple(_part(block, names) for block in turn.content))


def _part(block: Block, names: Mapping[str, str]) -> Part:
    match block.type:
        case "image" if block.source:
            return Part(inline_data=Blob(mime_type=block.source.media_type, data=block.source.data))
        case "tool_use":
            return Part(function_call=FunctionCall(name=block.name, args=block.input))
        case "tool_result":
            result = "\n".join(inner.text for inner in block.content)
            name = names.get(block.tool_use_id, "unknown")
            return Part(function_response=FunctionResponse(name=name, response={"result": result}))
    return Part(text=block.text or block.thinking, thought=block.type != "text")
