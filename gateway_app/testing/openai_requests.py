"""What OpenAI takes, and the same in the shape from which answers are made."""

import re
from collections.abc import Iterator
from typing import Any, Literal

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

_REASONS = re.compile(r"(o\d|gpt-[5-9])(?!.*-chat)")
_DATA_URL = re.compile(r"data:(image/[\w.+-]+);base64,(.*)", re.DOTALL)


class Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What OpenAI does not know, it refuses."""


class ImageUrl(Strict, frozen=True):
    url: str
    detail: Literal["auto", "low", "high", "original"] | None = None


class ContentPart(Strict, frozen=True):
    type: str
    text: str = ""
    image_url: ImageUrl | None = None


class Function(Strict, frozen=True):
    name: str
    arguments: str


class Call(Strict, frozen=True):
    id: str
    type: str
    function: Function


class Turn(Strict, frozen=True):
    role: str
    content: str | list[ContentPart] | None = None
    name: str | None = None
    tool_calls: list[Call] = []
    tool_call_id: str | None = None


class Described(Strict, frozen=True):
    name: str
    description: str = ""
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class OfferedTool(Strict, frozen=True):
    type: str
    function: Described


class JsonSchema(Strict, frozen=True):
    name: str
    schema: dict[str, Any]
    strict: bool = False


class ResponseFormat(Strict, frozen=True):
    type: str
    json_schema: JsonSchema | None = None


class StreamOptions(Strict, frozen=True):
    include_usage: bool = False


class ChatCompletion(Strict, frozen=True):
    model: str
    messages: list[Turn]
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: list[str] = []
    seed: int | None = None
    reasoning_effort: str | None = None
    response_format: ResponseFormat | None = None
    tools: list[OfferedTool] = []
    tool_choice: Any = "auto"
    stream: bool = False
    stream_options: StreamOptions = StreamOptions()

    @property
    def reasons(self) -> bool:
        """Whether the model thinks; then it takes neither a temperature nor the older name of the limit."""
        return bool(_REASONS.match(self.model))


decode = msgspec.json.Decoder(ChatCompletion).decode
"""Raises `msgspec.DecodeError` for what is not of that shape."""


def as_gemini(given: ChatCompletion) -> GenerateRequest:
    """The request as the answers are made from it."""
    choice, shape = given.tool_choice, given.response_format
    modes = {"auto": "AUTO", "none": "NONE", "required": "ANY"}
    forced = () if isinstance(choice, str) else (choice["function"]["name"],)
    calling = FunctionCallingConfig(mode="ANY" if forced else modes[choice], allowed_function_names=forced)
    functions = tuple(
        FunctionDeclaration(
            name=tool.function.name,
            description=tool.function.description,
            parameters_json_schema=tool.function.parameters,
        )
        for tool in given.tools
    )
    system = "\n".join(_text(turn) for turn in given.messages if turn.role == "system")
    config = GenerationConfig(
        temperature=given.temperature,
        max_output_tokens=given.max_completion_tokens or given.max_tokens,
        stop_sequences=tuple(given.stop),
        seed=given.seed,
        response_mime_type="application/json" if shape else None,
        response_json_schema=shape.json_schema.schema if shape and shape.json_schema else None,
        thinking_config=ThinkingConfig(thinking_budget=None if given.reasons else 0),
    )
    return GenerateRequest(
        contents=tuple(_contents(given.messages)),
        system_instruction=Content(parts=(Part(text=system),)),
        tools=(Tool(function_declarations=functions),),
        tool_config=ToolConfig(function_calling_config=calling),
        generation_config=config,
    )


def _contents(turns: list[Turn]) -> Iterator[Content]:
    names = {call.id: call.function.name for turn in turns for call in turn.tool_calls}
    results: list[Part] = []
    for turn in turns:
        if turn.role == "tool":
            told = FunctionResponse(
                name=names.get(turn.tool_call_id or "", "unknown"), response={"result": _text(turn)}
            )
            results.append(Part(function_response=told))
            continue
        if results:
            yield Content(parts=tuple(results))
            results = []
        if turn.role != "system":
            role = "model" if turn.role == "assistant" else "user"
            yield Content(role=role, parts=tuple(_parts(turn)))
    if results:
        yield Content(parts=tuple(results))


def _parts(turn: Turn) -> Iterator[Part]:
    yield Part(text=_text(turn))
    for part in turn.content if isinstance(turn.content, list) else ():
        if part.image_url and (image := _DATA_URL.fullmatch(part.image_url.url)):
            yield Part(inline_data=Blob(mime_type=image[1], data=image[2]))
    for call in turn.tool_calls:
        args = msgspec.json.decode(call.function.arguments)
        yield Part(function_call=FunctionCall(name=call.function.name, args=args))


def _text(turn: Turn) -> str:
    if isinstance(turn.content, list):
        return "\n".join(part.text for part in turn.content if part.text)
    return turn.content or ""
