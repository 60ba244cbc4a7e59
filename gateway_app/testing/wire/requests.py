"""What a client may send: Google's JSON, read strictly into values.

Google takes `camelCase` and `snake_case` names alike; so does this.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

import msgspec

from gateway_app.testing.wire.errors import GoogleError, invalid_argument

Base64 = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9+/_-]*={0,2}$")]


class Wire(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A JSON object of Google's; fields that it does not name are ignored."""


class StrictWire(Wire, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """The same, and a field that it does not name is an error."""


class Blob(Wire, frozen=True, kw_only=True, rename="camel"):
    mime_type: str
    data: Base64

    @property
    def size(self) -> int:
        """Bytes, decoded."""
        return len(self.data.rstrip("=")) * 3 // 4


class FunctionCall(Wire, frozen=True, kw_only=True, rename="camel"):
    name: str
    args: dict[str, Any] = {}


class FunctionResponse(Wire, frozen=True, kw_only=True, rename="camel"):
    name: str
    response: dict[str, Any] = {}


class Part(Wire, frozen=True, kw_only=True, rename="camel"):
    text: str | None = None
    thought: bool = False
    thought_signature: Base64 | None = None
    inline_data: Blob | None = None
    file_data: dict[str, Any] | None = None
    function_call: FunctionCall | None = None
    function_response: FunctionResponse | None = None
    executable_code: dict[str, Any] | None = None
    code_execution_result: dict[str, Any] | None = None
    tool_call: dict[str, Any] | None = None
    tool_response: dict[str, Any] | None = None

    @property
    def has_data(self) -> bool:
        return any(
            getattr(self, name) is not None
            for name in self.__struct_fields__
            if name not in ("thought", "thought_signature")
        )


class Content(StrictWire, frozen=True, kw_only=True, rename="camel"):
    """One turn."""

    parts: tuple[Part, ...] = ()
    role: str = "user"

    @property
    def text(self) -> str:
        return "\n".join(part.text for part in self.parts if part.text and not part.thought)

    @property
    def function_responses(self) -> tuple[FunctionResponse, ...]:
        return tuple(part.function_response for part in self.parts if part.function_response)


class ThinkingConfig(StrictWire, frozen=True, kw_only=True, rename="camel"):
    include_thoughts: bool = False
    thinking_budget: int | None = None
    thinking_level: str | None = None


class GenerationConfig(StrictWire, frozen=True, kw_only=True, rename="camel"):
    temperature: float | None = None
    top_p: float | None = None
    top_k: float | None = None
    candidate_count: int | None = None
    max_output_tokens: int | None = None
    stop_sequences: tuple[str, ...] = ()
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    response_mime_type: str | None = None
    response_schema: dict[str, Any] | None = None
    response_json_schema: dict[str, Any] | None = None
    response_modalities: tuple[str, ...] = ()
    response_logprobs: bool = False
    logprobs: int | None = None
    media_resolution: str | None = None
    speech_config: dict[str, Any] | None = None
    thinking_config: ThinkingConfig = ThinkingConfig()

    @property
    def schema(self) -> dict[str, Any] | None:
        return self.response_json_schema or self.response_schema


class FunctionDeclaration(StrictWire, frozen=True, kw_only=True, rename="camel"):
    name: str
    description: str = ""
    parameters: dict[str, Any] | None = None
    parameters_json_schema: dict[str, Any] | None = None
    response: dict[str, Any] | None = None
    response_json_schema: dict[str, Any] | None = None
    behavior: str | None = None

    @property
    def schema(self) -> dict[str, Any]:
        return self.parameters_json_schema or self.parameters or {"type": "object"}


class Tool(Wire, frozen=True, kw_only=True, rename="camel"):
    function_declarations: tuple[FunctionDeclaration, ...] = ()


class FunctionCallingConfig(Wire, frozen=True, kw_only=True, rename="camel"):
    mode: str = "AUTO"
    allowed_function_names: tuple[str, ...] = ()


class ToolConfig(Wire, frozen=True, kw_only=True, rename="camel"):
    function_calling_config: FunctionCallingConfig = FunctionCallingConfig()


class GenerateRequest(StrictWire, frozen=True, kw_only=True, rename="camel"):
    """The body of generateContent and streamGenerateContent."""

    contents: tuple[Content, ...] = ()
    model: str = ""
    system_instruction: Content = Content()
    tools: tuple[Tool, ...] = ()
    tool_config: ToolConfig = ToolConfig()
    generation_config: GenerationConfig = GenerationConfig()
    safety_settings: tuple[dict[str, Any], ...] = ()
    cached_content: str | None = None
    labels: dict[str, str] = {}
    service_tier: str | None = None
    store: bool | None = None

    @property
    def functions(self) -> tuple[FunctionDeclaration, ...]:
        return tuple(function for tool in self.tools for function in tool.function_declarations)

    @property
    def user_text(self) -> str:
        """What the user said last."""
        return next((turn.text for turn in reversed(self.contents) if turn.role != "model" and turn.text), "")


class CountRequest(StrictWire, frozen=True, kw_only=True, rename="camel"):
    contents: tuple[Content, ...] = ()
    generate_content_request: GenerateRequest | None = None


class EmbedRequest(StrictWire, frozen=True, kw_only=True, rename="camel"):
    content: Content
    model: str = ""
    task_type: str | None = None
    title: str | None = None
    output_dimensionality: Annotated[int, msgspec.Meta(ge=1, le=3072)] | None = None
    auto_truncate: bool | None = None


class BatchEmbedRequest(StrictWire, frozen=True, kw_only=True, rename="camel"):
    requests: Annotated[tuple[EmbedRequest, ...], msgspec.Meta(min_length=1, max_length=100)]


Body = TypeVar("Body", GenerateRequest, CountRequest, EmbedRequest, BatchEmbedRequest)


def read(body: bytes, kind: type[Body]) -> Body:
    """`body` as a value of `kind`. Raises `GoogleError` 400 with Google's words."""
    try:
        return msgspec.convert(in_camel_case(msgspec.json.decode(body)), kind)
    except msgspec.ValidationError as exc:
        raise _misfit(str(exc)) from exc
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise invalid_argument(f"Invalid JSON payload received. {exc}") from exc


_SNAKE = re.compile(r"_([a-z0-9])")
_OPAQUE = frozenset(
    (
        "args",
        "response",
        "parameters",
        "parametersJsonSchema",
        "responseSchema",
        "responseJsonSchema",
        "labels",
    )
)


def in_camel_case(value: Any) -> Any:
    """Google's JSON with the names of its own fields in one form; what callers name themselves stays."""
    if isinstance(value, Mapping):
        renamed = {_SNAKE.sub(lambda found: found[1].upper(), name): item for name, item in value.items()}
        return {name: item if name in _OPAQUE else in_camel_case(item) for name, item in renamed.items()}
    if isinstance(value, list):
        return [in_camel_case(item) for item in value]
    return value


_PROBLEM = re.compile(r"^(?P<problem>.*?)(?: - at `\$\.?(?P<path>.*)`)?$", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`")


def _misfit(message: str) -> GoogleError:
    found = _PROBLEM.match(message)
    problem, path = (found["problem"], _snake_path(found["path"] or "")) if found else (message, "")
    if unknown := _UNKNOWN.match(problem):
        place = f" at '{path}'" if path else ""
        problem = f'Unknown name "{unknown[1]}"{place}: Cannot find field.'
        return invalid_argument(f"Invalid JSON payload received. {problem}", field=path or None)
    return invalid_argument(f"Invalid value at '{path}': {problem}", field=path or None)


def _snake_path(path: str) -> str:
    return re.sub(r"(?<=[a-z])[A-Z]", lambda found: f"_{found[0].lower()}", path)
