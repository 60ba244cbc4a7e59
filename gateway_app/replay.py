"""A kept reply as the stream that it once was."""

from collections.abc import AsyncGenerator, Iterator

from gateway_app.types import LONGEST_PIECE, Chunk, Completion

PIECE, PIECES = 50, 64
"""Characters; and how many pieces a reply has at the most, unless they become too long."""


def replay(completion: Completion, *, whole: bool = False) -> Iterator[Chunk]:
    """The text in pieces (or in one), then tool calls, usage and finish reason."""
    text = completion.text
    step = len(text) if whole else min(LONGEST_PIECE, max(PIECE, len(text) // PIECES))
    for start in range(0, len(text), step or 1):
        yield Chunk(text=text[start : start + step])
    yield Chunk(
        tool_calls=completion.tool_calls,
        finish_reason=completion.finish_reason,
        usage=completion.usage,
        model=completion.model,
    )


async def replayed(completion: Completion, *, whole: bool = False) -> AsyncGenerator[Chunk, None]:
    """The same, for whoever waits for a vendor's chunks otherwise."""
    for chunk in replay(completion, whole=whole):
        yield chunk
