"""One reply of Anthropic's, whole or as events. Source: "Streaming messages" at platform.claude.com."""

from typing import Any

import msgspec

from gateway_app.exceptions import ProviderBadReply
from gateway_app.providers.anthropic_messages import signature
from gateway_app.providers.sse import ServerSentEvent
from gateway_app.providers.vendor_errors import error_in_stream
from gateway_app.types import Chunk, FinishReason, ToolCall, Usage

FINISH_REASONS: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
"""What is not here (`pause_turn`, a reason of tomorrow) is `error`."""


class OutputDetails(msgspec.Struct):
    thinking_tokens: int | None = None


class Counts(msgspec.Struct, frozen=True, omit_defaults=True):
    """Cumulative. Those that an event does not mention stay as they were."""

    input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    output_tokens: int | None = None
    output_tokens_details: OutputDetails | None = None


class Block(msgspec.Struct):
    """A content block of any type: the fields of those that are read here."""

    type: str
    text: str | None = None
    id: str | None = None
    name: str | None = None
    input: msgspec.Raw = msgspec.Raw(b"{}")
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None


class Piece(msgspec.Struct):
    """What a block grows by."""

    text: str | None = None
    partial_json: str | None = None
    thinking: str | None = None
    signature: str | None = None


class Reply(msgspec.Struct):
    model: str | None = None
    content: list[Block] = []
    stop_reason: str | None = None
    usage: Counts = Counts()


class Started(msgspec.Struct):
    message: Reply


class BlockStarted(msgspec.Struct):
    index: int
    content_block: Block


class BlockGrown(msgspec.Struct):
    index: int
    delta: Piece


class BlockStopped(msgspec.Struct):
    index: int


class Stopping(msgspec.Struct):
    stop_reason: str | None = None


class Ending(msgspec.Struct):
    delta: Stopping
    usage: Counts = Counts()


_reply = msgspec.json.Decoder(Reply).decode
_started = msgspec.json.Decoder(Started).decode
_block_started = msgspec.json.Decoder(BlockStarted).decode
_block_grown = msgspec.json.Decoder(BlockGrown).decode
_block_stopped = msgspec.json.Decoder(BlockStopped).decode
_ending = msgspec.json.Decoder(Ending).decode


class Reading:
    """Follows one reply through its parts.

    Every method raises `ValueError` for what is not JSON of Anthropic's shape.
    """

    def __init__(self) -> None:
        self._stop_reason: str | None = None
        self._counts: dict[str, Any] = {}
        self._blocks: dict[int, Block] = {}
        self._json: dict[int, str] = {}
        self._thoughts: list[dict[str, str]] = []

    def whole(self, data: bytes) -> Chunk:
        reply = _reply(data)
        self._stop_reason = reply.stop_reason
        self._count(reply.usage)
        calls = [call for block in reply.content for call in self._completed(block)]
        return Chunk(
            text="".join(block.text or "" for block in reply.content),
            tool_calls=tuple(calls),
            model=reply.model,
        )

    def last(self) -> Chunk:
        """What the reply came to. Raises `ProviderBadReply` where it never said why it ended."""
        if self._stop_reason is None:
            raise ProviderBadReply("the vendor's reply ended before it was finished")
        return Chunk(
            finish_reason=FINISH_REASONS.get(self._stop_reason, "error"), usage=self._count(Counts())
        )

    def event(self, event: ServerSentEvent) -> Chunk:
        """One chunk for each event, so that a model that thinks is not taken for one that stalls.

        Raises `ProviderError` or `ModelNotFound` for an event of type `error`.
        """
        match event.name:
            case "message_start":
                reply = _started(event.data).message
                return Chunk(model=reply.model, usage=self._count(reply.usage))
            case "content_block_start":
                begun = _block_started(event.data)
                self._blocks[begun.index] = begun.content_block
                return Chunk(text=begun.content_block.text or "")
            case "content_block_delta":
                grown = _block_grown(event.data)
                return self._grow(grown.index, grown.delta)
            case "content_block_stop":
                return self._stop(_block_stopped(event.data).index)
            case "message_delta":
                ending = _ending(event.data)
                self._stop_reason = ending.delta.stop_reason or self._stop_reason
                self._count(ending.usage)
            case "error":
                raise error_in_stream(event.data)
        return Chunk()

    def _grow(self, index: int, piece: Piece) -> Chunk:
        if block := self._blocks.get(index):
            block.thinking = (block.thinking or "") + (piece.thinking or "")
            block.signature = (block.signature or "") + (piece.signature or "")
            self._json[index] = self._json.get(index, "") + (piece.partial_json or "")
        return Chunk(text=piece.text or "")

    def _stop(self, index: int) -> Chunk:
        block, grown = self._blocks.pop(index, None), self._json.pop(index, "")
        if block is None:
            return Chunk()
        if grown:
            block.input = msgspec.Raw(grown.encode())
        return Chunk(tool_calls=tuple(self._completed(block)))

    def _completed(self, block: Block) -> list[ToolCall]:
        """The block's call, if it is one; thinking is kept for the call that follows it."""
        if block.type == "thinking":
            thought = {"thinking": block.thinking or "", "signature": block.signature or ""}
            self._thoughts.append({"type": "thinking"} | thought)
        elif block.type == "redacted_thinking":
            self._thoughts.append({"type": "redacted_thinking", "data": block.data or ""})
        elif block.type == "tool_use":
            signed, self._thoughts = signature(self._thoughts), []
            arguments = bytes(block.input).decode()
            return [ToolCall(id=block.id or "", name=block.name or "", arguments=arguments, signature=signed)]
        return []

    def _count(self, counts: Counts) -> Usage:
        """The usage as it stands now.

        Anthropic counts its cache's reads and writes beside the input, thinking within the output.
        """
        self._counts |= msgspec.to_builtins(counts)
        known = msgspec.convert(self._counts, Counts)
        cached = known.cache_read_input_tokens or 0
        given = (known.input_tokens or 0) + (known.cache_creation_input_tokens or 0) + cached
        details = known.output_tokens_details
        thinking = (details.thinking_tokens or 0) if details else 0
        written = known.output_tokens or 0
        return Usage(
            input_tokens=given,
            cached_tokens=cached,
            output_tokens=max(written - thinking, 0),
            thinking_tokens=thinking,
            total_tokens=given + written,
        )
