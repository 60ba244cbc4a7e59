"""A reply in pieces: OpenAI's server-sent events."""

from collections.abc import Iterator
from typing import Any

from msgspec import UNSET

from gateway_app.events import Delta, End, Start
from gateway_app.schemas import ErrorReply, encode
from gateway_app.types import ToolCall
from gateway_app.v1.form import ReplyForm
from gateway_app.v1.replies import (
    ChatCompletionChunk,
    ChoiceDelta,
    ChunkChoice,
    FinishReason,
    FunctionDelta,
    ToolCallDelta,
)
from gateway_app.v1.shapes import FINISH_REASONS, extra_content, note, usage

CONTENT_TYPE = "text/event-stream; charset=utf-8"
TEXT = "\0text"
"""Stands nowhere else in a chunk."""
DONE = b"data: [DONE]\n\n"


class ChunkStream:
    """Follows one reply; each method gives the bytes of the events that are due."""

    def __init__(self, form: ReplyForm) -> None:
        self._form = form
        self._calls = 0
        # What goes before and after a text is the same in all of them.
        self._before, _, self._after = self._chunk(ChoiceDelta(content=TEXT)).partition(encode(TEXT))

    def start(self) -> bytes:
        return self._chunk(ChoiceDelta(role="assistant", content=""))

    def delta(self, delta: Delta) -> bytes:
        pieces = [self._before + encode(delta.text) + self._after] if delta.text else []
        for call in delta.tool_calls:
            if self._calls and self._form.one_call:
                break
            pieces += [self._chunk(ChoiceDelta(tool_calls=[piece])) for piece in self._call_pieces(call)]
        return b"".join(pieces)

    def end(self, start: Start, end: End) -> bytes:
        """The reason, the usage where it was asked for, and the mark that nothing is missing."""
        last = self._chunk(ChoiceDelta(), finish_reason=FINISH_REASONS[end.finish_reason])
        if not self._form.include_usage:
            return last + DONE
        counted = self._event(choices=[], usage=usage(end.usage), x_gateway=note(start, end))
        return last + counted + DONE

    def error(self, reply: ErrorReply) -> bytes:
        """Without `[DONE]` after it."""
        return b"data: " + encode(reply) + b"\n\n"

    def _call_pieces(self, call: ToolCall) -> Iterator[ToolCallDelta]:
        """Who is called, then with what, as OpenAI sends it."""
        index, self._calls = self._calls, self._calls + 1
        yield ToolCallDelta(
            index=index,
            id=call.id,
            type="function",
            function=FunctionDelta(name=call.name, arguments=""),
            extra_content=extra_content(call) or UNSET,
        )
        yield ToolCallDelta(index=index, function=FunctionDelta(arguments=call.arguments))

    def _chunk(self, delta: ChoiceDelta, *, finish_reason: FinishReason | None = None) -> bytes:
        choice = ChunkChoice(delta=delta, finish_reason=finish_reason)
        return self._event(choices=[choice], usage=None if self._form.include_usage else UNSET)

    def _event(self, **fields: Any) -> bytes:
        chunk = ChatCompletionChunk(
            id=self._form.id,
            created=self._form.created,
            model=self._form.model,
            system_fingerprint=self._form.system_fingerprint,
            **fields,
        )
        return b"data: " + encode(chunk) + b"\n\n"
