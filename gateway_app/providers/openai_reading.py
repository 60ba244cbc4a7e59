"""One reply in OpenAI's shape, whole or as events. Source: platform.openai.com/docs/api-reference/chat."""

from dataclasses import dataclass, field
from typing import Any

import msgspec

from gateway_app.exceptions import ProviderBadReply
from gateway_app.providers.vendor_errors import error_in_stream
from gateway_app.types import Chunk, FinishReason, ToolCall, Usage

FINISH_REASONS: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}
"""What is not here is `error`."""


class CalledFunction(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class CallDelta(msgspec.Struct):
    """A piece of a tool call, or a whole one: then it has no index."""

    index: int | None = None
    id: str | None = None
    function: CalledFunction | None = None


class Said(msgspec.Struct):
    content: str | None = None
    refusal: str | None = None
    tool_calls: list[CallDelta] | None = None


class Choice(msgspec.Struct):
    delta: Said | None = None
    """In a stream."""
    message: Said | None = None
    """In a whole reply."""
    finish_reason: str | None = None


class InputDetails(msgspec.Struct):
    cached_tokens: int | None = None
    audio_tokens: int | None = None
    image_tokens: int | None = None


class OutputDetails(msgspec.Struct):
    reasoning_tokens: int | None = None
    audio_tokens: int | None = None
    image_tokens: int | None = None


class Counts(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int | None = None
    prompt_tokens_details: InputDetails | None = None
    completion_tokens_details: OutputDetails | None = None


class Reply(msgspec.Struct):
    """`chat.completion` and `chat.completion.chunk`: both are read alike."""

    model: str | None = None
    choices: list[Choice] | None = None
    usage: Counts | None = None
    error: Any = None


_decode = msgspec.json.Decoder(Reply).decode


@dataclass(slots=True)
class _Call:
    """A tool call under way."""

    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)


class Reading:
    """Follows one reply through its parts."""

    def __init__(self) -> None:
        self._finish_reason: FinishReason | None = None
        self._usage: Usage | None = None
        self._refused = False
        self._calls: dict[int, _Call] = {}

    def chunk(self, data: bytes) -> Chunk:
        """Of one event, or of a whole reply. Tool calls come out whole, once the vendor has finished.

        Raises `ValueError` for what is not JSON of OpenAI's shape, `ProviderError` or `ModelNotFound` for an
        error in the stream.
        """
        reply = _decode(data)
        if reply.error:
            raise error_in_stream(data)
        choice = reply.choices[0] if reply.choices else Choice()
        said = choice.delta or choice.message or Said()
        for piece in said.tool_calls or ():
            self._add(piece)
        self._refused = self._refused or bool(said.refusal)
        self._usage = _usage(reply.usage) or self._usage
        text = (said.content or "") + (said.refusal or "")
        return Chunk(text=text, tool_calls=self._finish(choice.finish_reason), model=reply.model)

    def last(self) -> Chunk:
        """What the reply came to. Raises `ProviderBadReply` where it never said why it ended."""
        if self._finish_reason is None:
            raise ProviderBadReply("the vendor's reply ended before it was finished")
        return Chunk(finish_reason=self._finish_reason, usage=self._usage)

    def _add(self, piece: CallDelta) -> None:
        if piece.index is None:
            # Some servers number nothing and send every call in one piece.
            piece.index = len(self._calls)
        call = self._calls.setdefault(piece.index, _Call())
        call.id = piece.id or call.id
        if piece.function:
            call.name = piece.function.name or call.name
            call.arguments.append(piece.function.arguments or "")

    def _finish(self, vendors_reason: str | None) -> tuple[ToolCall, ...]:
        """The calls that are complete with this."""
        if vendors_reason is None:
            return ()
        calls = tuple(_tool_call(number, call) for number, call in sorted(self._calls.items()))
        self._calls.clear()
        reason = FINISH_REASONS.get(vendors_reason, "error")
        if reason == "stop" and (calls or self._refused):
            # OpenAI calls it `stop` too when a function was forced, or when the model refused.
            reason = "tool_calls" if calls else "content_filter"
        self._finish_reason = reason
        return calls


def _tool_call(number: int, call: _Call) -> ToolCall:
    if not call.name:
        raise ProviderBadReply("the vendor's reply calls a tool without a name")
    arguments = "".join(call.arguments) or "{}"
    return ToolCall(id=call.id or f"call_{number + 1}", name=call.name, arguments=arguments)


def _usage(counts: Counts | None) -> Usage | None:
    """OpenAI counts reasoning within the completion, others beside it: the total tells which."""
    if counts is None:
        return None
    read, written = counts.prompt_tokens, counts.completion_tokens
    of_input = counts.prompt_tokens_details or InputDetails()
    of_output = counts.completion_tokens_details or OutputDetails()
    thinking = of_output.reasoning_tokens or 0
    total = counts.total_tokens or read + written
    return Usage(
        input_tokens=read,
        cached_tokens=of_input.cached_tokens or 0,
        output_tokens=max(total - read - thinking, 0),
        thinking_tokens=thinking,
        total_tokens=total,
        input_audio_tokens=of_input.audio_tokens or 0,
        output_audio_tokens=of_output.audio_tokens or 0,
        input_image_tokens=of_input.image_tokens or 0,
        output_image_tokens=of_output.image_tokens or 0,
    )
