"""A kept reply as the stream that it once was."""

from collections.abc import AsyncGenerator, Iterator

from gateway_app.events import Delta
from gateway_app.types import LONGEST_PIECE, Chunk, Completion

PIECE, PIECES = 50, 64
"""Characters; and how many pieces a reply has at the most, unless they become too long."""


def deltas(completion: Completion) -> Iterator[Delta]:
    text = completion.text
    step = min(LONGEST_PIECE, max(PIECE, len(text) // PIECES))
    for start in range(0, len(text), step):
        yield Delta(text=text[start : start + step])
    if completion.tool_calls:
        yield Delta(tool_calls=completion.tool_calls)


async def landed(completion: Completion) -> AsyncGenerator[Chunk, None]:
    """For whoever waits for a vendor's chunks."""
    whole = Chunk(
        text=completion.text,
        tool_calls=completion.tool_calls,
        finish_reason=completion.finish_reason,
        usage=completion.usage,
        model=completion.model,
    )
    for chunk in whole.pieces():
        yield chunk
