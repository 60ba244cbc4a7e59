"""What a client may send and what it gets back: one schema, which validates, encodes and documents."""

import re
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from gateway_app import json_numbers
from gateway_app.exceptions import InvalidRequest
from gateway_app.nesting import DEEPEST, too_deep
from gateway_app.types import FinishReason, Parameters

END = r"$(?!\n)"
"""Of a pattern: `$` alone lets a line break through, and JSON Schema knows no `\\Z`."""

Prompt = Annotated[str, Meta(min_length=1, description="The text for the model.")]
Model = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,127}" + END,
        description="A model of the catalogue; without it the prompt version's, else the gateway's default.",
    ),
]
Temperature = Annotated[float, Meta(ge=0, le=2, description="0.7 unless the prompt version says otherwise.")]
MaxTokens = Annotated[
    int, Meta(ge=1, le=1_000_000, description="Of the reply; 1024 unless the prompt version says otherwise.")
]
User = Annotated[
    str,
    Meta(min_length=1, max_length=256, description="Your user: the same one always sees the same version."),
]
Version = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}" + END, description="A published version.")
]
Name = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}" + END)]
ChatId = Annotated[str, Meta(min_length=1, max_length=128)]

USUAL = Parameters(temperature=0.7, max_tokens=1024)
"""Where neither the caller nor the prompt version says anything."""


class Body(Struct, kw_only=True, forbid_unknown_fields=True):
    """What every way to ask has in common."""

    model: Model | None = None
    temperature: Temperature | None = None
    max_tokens: MaxTokens | None = None
    user: User | None = None

    def parameters(self) -> Parameters:
        return Parameters(temperature=self.temperature, max_tokens=self.max_tokens)


class TextBody(Body, kw_only=True):
    """`POST /chat`, `/summarize` and their streams."""

    prompt: Prompt


class VariablesBody(Body, kw_only=True):
    """`POST /prompts/<name>/chat` and `/stream`."""

    variables: dict[str, Any] = {}
    version: Version | None = None


class UsageReply(Struct, kw_only=True):
    """Tokens. Input includes the cached part, output excludes thinking."""

    input_tokens: int
    cached_tokens: int
    output_tokens: int
    thinking_tokens: int
    total_tokens: int


class ChatReply(Struct, kw_only=True):
    """A whole reply."""

    response: str
    model: str
    latency: Annotated[float, Meta(description="Seconds.")]
    cache_hit: bool
    request_id: str
    usage: UsageReply
    cost_usd: Annotated[
        float | None, Meta(description="Null where the model's price is not known; 0 on a hit.")
    ]
    finish_reason: FinishReason
    prompt_name: str | None
    prompt_version: str | None


class ErrorDetail(Struct, kw_only=True):
    message: str
    type: str
    code: str
    param: str | None


class ErrorReply(Struct, kw_only=True):
    """The shape of every error."""

    error: ErrorDetail
    request_id: str | None


class StartEvent(Struct, kw_only=True):
    """Stream event `start`."""

    request_id: str
    model: str
    prompt_name: str | None
    prompt_version: str | None
    cache_hit: bool


class DeltaEvent(Struct, kw_only=True):
    """Stream event `delta`."""

    text: str


class EndEvent(Struct, kw_only=True):
    """Stream event `end`."""

    usage: UsageReply
    cost_usd: float | None
    latency: float
    finish_reason: FinishReason
    cache_hit: bool


class HealthReply(Struct, kw_only=True):
    status: Literal["ok"]
    version: str


class DependencyState(Struct, kw_only=True):
    status: Literal["ok", "degraded", "down"]
    detail: str | None


class ReadyReply(Struct, kw_only=True):
    """`degraded` dependencies are missed, but calls are served; one that is `down` makes the whole 503."""

    status: Literal["ok", "unavailable"]
    dependencies: dict[str, DependencyState]


class MessageBody(Struct, kw_only=True, forbid_unknown_fields=True):
    role: Literal["system", "user", "assistant"]
    content: Prompt


class ChatFrame(Body, kw_only=True, tag_field="type", tag="chat"):
    """A chat on a socket: `prompt`, or `messages`, or `prompt_name` with `variables`."""

    id: ChatId
    prompt: Prompt | UnsetType = UNSET
    messages: Annotated[list[MessageBody], Meta(min_length=1, max_length=1000)] | UnsetType = UNSET
    prompt_name: Name | UnsetType = UNSET
    variables: dict[str, Any] = {}
    version: Version | None = None
    session_id: Annotated[str, Meta(min_length=1, max_length=256)] | None = None


class CancelFrame(Struct, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="cancel"):
    id: ChatId


class AuthFrame(Struct, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="auth"):
    """The first frame of a client that can set no header."""

    key: str


Frame = ChatFrame | CancelFrame | AuthFrame

T = TypeVar("T")


def parse(data: bytes | str, schema: type[T]) -> T:
    """Decodes strictly: no unknown fields, no numbers in strings. Raises `InvalidRequest` with the field."""
    try:
        value = json_numbers.decode(data, schema)
        deep = too_deep(data)
    except msgspec.ValidationError as exc:
        where = re.search(r"`\$\.([A-Za-z0-9_.\[\]]+)`", str(exc)) or re.search(r"field `(\w+)`", str(exc))
        raise InvalidRequest(str(exc), param=where[1] if where else None) from exc
    except msgspec.DecodeError as exc:
        raise InvalidRequest(f"the body is not JSON: {exc}") from exc
    except (RecursionError, UnicodeError) as exc:
        raise InvalidRequest("the body is nested too deeply or is not UTF-8") from exc
    if deep:
        raise InvalidRequest(f"the body is nested more than {DEEPEST} levels deep")
    return value


def encode(value: Any) -> bytes:
    return _encoder.encode(value)


_encoder = msgspec.json.Encoder(decimal_format="number")
