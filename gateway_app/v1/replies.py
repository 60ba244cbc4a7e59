"""What OpenAI's clients get back, field by field."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from gateway_app.v1.schemas import ExtraContent

FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]


class PromptTokens(Struct, kw_only=True):
    cached_tokens: int
    audio_tokens: int | UnsetType = UNSET


class CompletionTokens(Struct, kw_only=True):
    reasoning_tokens: int
    audio_tokens: int | UnsetType = UNSET


class CompletionUsage(Struct, kw_only=True):
    """Tokens. The prompt's include the cached ones, the completion's include reasoning."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptTokens
    completion_tokens_details: CompletionTokens


class GatewayNote(Struct, kw_only=True):
    """Ours, beside OpenAI's fields."""

    request_id: str
    cost_usd: Annotated[
        float | None, Meta(description="Null where the model's price is not known; 0 on a hit.")
    ]
    cache_hit: bool
    prompt_version: str | None


class FunctionReply(Struct, kw_only=True):
    name: str
    arguments: Annotated[str, Meta(description="JSON text.")]


class ToolCallReply(Struct, kw_only=True):
    id: str
    type: Literal["function"] = "function"
    function: FunctionReply
    extra_content: ExtraContent | UnsetType = UNSET


class ReplyMessage(Struct, kw_only=True):
    role: Literal["assistant"] = "assistant"
    content: str | None
    refusal: str | None = None
    tool_calls: list[ToolCallReply] | UnsetType = UNSET


class Choice(Struct, kw_only=True):
    index: int = 0
    message: ReplyMessage
    logprobs: None = None
    finish_reason: FinishReason


class ChatCompletion(Struct, kw_only=True):
    """A whole reply."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: Annotated[int, Meta(description="Unix seconds.")]
    model: Annotated[str, Meta(description="As it was asked for.")]
    choices: list[Choice]
    usage: CompletionUsage
    system_fingerprint: str
    x_gateway: GatewayNote


class FunctionDelta(Struct, kw_only=True):
    name: str | UnsetType = UNSET
    arguments: str


class ToolCallDelta(Struct, kw_only=True):
    """The first of a call has its id and name; `arguments` are to be joined."""

    index: int
    id: str | UnsetType = UNSET
    type: Literal["function"] | UnsetType = UNSET
    function: FunctionDelta
    extra_content: ExtraContent | UnsetType = UNSET


class ChoiceDelta(Struct, kw_only=True):
    role: Literal["assistant"] | UnsetType = UNSET
    content: str | UnsetType = UNSET
    tool_calls: list[ToolCallDelta] | UnsetType = UNSET


class ChunkChoice(Struct, kw_only=True):
    index: int = 0
    delta: ChoiceDelta
    logprobs: None = None
    finish_reason: FinishReason | None = None


class ChatCompletionChunk(Struct, kw_only=True):
    """An event of a stream. `usage` is there only if it was asked for: null until the last event has it."""

    id: str
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    created: int
    model: str
    choices: list[ChunkChoice]
    system_fingerprint: str
    usage: CompletionUsage | UnsetType | None = UNSET
    x_gateway: GatewayNote | UnsetType = UNSET


class ModelEntry(Struct, kw_only=True):
    id: str
    object: Literal["model"] = "model"
    created: Annotated[int, Meta(description="Unix seconds; 0 for the vendors' models.")]
    owned_by: str


class ModelList(Struct, kw_only=True):
    object: Literal["list"] = "list"
    data: list[ModelEntry]
