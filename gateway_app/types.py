"""The values that travel through the pipeline: frozen, and free of any framework."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

Role = Literal["system", "user", "assistant", "tool"]
FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "error"]
CacheState = Literal["HIT", "MISS", "COALESCED", "BYPASS"]

LONGEST_PIECE = 16 * 1024
"""Characters that a reader of a stream gets at once: of what he does not take, he holds a copy of his own."""


class ToolCall(msgspec.Struct, frozen=True, kw_only=True):
    """A function that the model asks for."""

    id: str
    name: str
    arguments: str
    """JSON text, as OpenAI sends it."""
    signature: str | None = None
    """The vendor's opaque proof of thought (Gemini), to be sent back with the next turn."""


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """An image inside a message."""

    media_type: str
    data: str
    """Base64."""
    detail: str | None = None
    """How closely OpenAI shall look at it; other vendors do not ask."""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    role: Role
    content: str = ""
    images: tuple[Image, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    name: str | None = None


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens of one call."""

    input_tokens: int = 0
    """All that was sent, cached part included."""
    cached_tokens: int = 0
    """The part of `input_tokens` that the vendor read from its own cache."""
    output_tokens: int = 0
    """The visible reply, thinking excluded."""
    thinking_tokens: int = 0
    total_tokens: int = 0
    """As the vendor counts it."""
    input_audio_tokens: int = 0
    """The part of `input_tokens` that was sound; 0 where the vendor does not say."""
    cached_audio_tokens: int = 0
    """The part of `cached_tokens` that was sound."""
    output_audio_tokens: int = 0
    """The part of `output_tokens` that is sound."""
    input_image_tokens: int = 0
    output_image_tokens: int = 0


class Parameters(msgspec.Struct, frozen=True, kw_only=True):
    """What shapes a reply besides the messages. None means the vendor's default."""

    temperature: float | None = None
    max_tokens: int | None = None
    top_p: float | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    thinking_budget: int | None = None
    response_schema: Mapping[str, Any] | None = None
    """JSON Schema that the reply must fit."""
    json_mode: bool = False
    tools: tuple[Mapping[str, Any], ...] = ()
    """OpenAI's shape: {"name", "description", "parameters", "strict"}; only OpenAI knows the last."""
    safety_settings: Mapping[str, str] | None = None
    """Gemini's: harm category -> threshold. Vendors that have none ignore it."""
    tool_choice: str | None = None
    """`auto`, `none`, `required` or the name of one tool."""


class CompletionRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What an adapter sends to its vendor."""

    model: str
    messages: tuple[Message, ...]
    parameters: Parameters = msgspec.field(default_factory=Parameters)


class Chunk(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of a reply as an adapter yields it. The last one carries `finish_reason` and `usage`."""

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: FinishReason | None = None
    usage: Usage | None = None
    model: str | None = None
    """The model that answered, as the vendor names it."""

    @property
    def size(self) -> int:
        """Characters that a reader will get."""
        written = len(self.text)
        return written + sum(len(call.arguments) for call in self.tool_calls) if self.tool_calls else written

    @property
    def says_something(self) -> bool:
        """Not a thought, not a count of tokens: until then a failure can be a status, or another try."""
        return bool(self.text or self.tool_calls or self.finish_reason)

    def pieces(self) -> "Iterable[Chunk]":
        """The same in texts of `LONGEST_PIECE` at the most; what it carries besides comes with the last."""
        return (self,) if len(self.text) <= LONGEST_PIECE else self._pieces()

    def _pieces(self) -> "Iterator[Chunk]":
        last = (len(self.text) - 1) // LONGEST_PIECE * LONGEST_PIECE
        for start in range(0, last, LONGEST_PIECE):
            yield Chunk(text=self.text[start : start + LONGEST_PIECE])
        yield replace(self, text=self.text[last:])


class Completion(msgspec.Struct, frozen=True, kw_only=True):
    """A whole reply: chunks folded."""

    text: str
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: FinishReason
    usage: Usage
    model: str
