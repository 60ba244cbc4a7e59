"""A kept reply as the stream that it once was."""

from collections.abc import Iterator

from gateway_app.types import Chunk, Completion

PIECE = 50
"""Characters."""


def replay(completion: Completion, *, whole: bool) -> Iterator[Chunk]:
    """The text in pieces of `PIECE` characters (or in one), then tool calls, usage and finish reason."""
    text = completion.text
    step = len(text) if whole else PIECE
    for start in range(0, len(text), step or 1):
        yield Chunk(text=text[start : start + step])
    yield Chunk(
        tool_calls=completion.tool_calls,
        finish_reason=completion.finish_reason,
        usage=completion.usage,
        model=completion.model,
    )
