"""A kept reply is heard as a stream again."""

import pytest

from gateway_app.events import Fold
from gateway_app.replay import PIECE, PIECES, deltas, landed
from gateway_app.types import LONGEST_PIECE, Completion, ToolCall, Usage

LENGTHS = [0, 1, PIECE, PIECE + 1, 5_000, LONGEST_PIECE, LONGEST_PIECE + 1, 500_000]


def reply(length: int) -> Completion:
    return Completion(
        text=("0123456789" * length)[:length],
        tool_calls=(ToolCall(id="1", name="f", arguments="{}"),),
        finish_reason="stop",
        usage=Usage(output_tokens=length),
        model="gemini-2.5-flash",
    )


@pytest.mark.parametrize("length", LENGTHS)
def test_nothing_is_lost(length: int) -> None:
    *texts, last = deltas(reply(length))
    assert "".join(delta.text for delta in texts) == reply(length).text
    assert last.tool_calls == reply(length).tool_calls


@pytest.mark.parametrize("length", LENGTHS)
async def test_whoever_waits_for_chunks_gets_all_that_it_said(length: int) -> None:
    fold = Fold()
    async for chunk in landed(reply(length)):
        assert len(chunk.text) <= LONGEST_PIECE
        fold.add(chunk)
    assert fold.completion(asked="") == reply(length)


@pytest.mark.parametrize(
    ("length", "longest"),
    [(PIECE * 3, PIECE), (PIECE * PIECES * 10, PIECE * 10), (LONGEST_PIECE * PIECES * 2, LONGEST_PIECE)],
)
def test_pieces_are_short_and_few(length: int, longest: int) -> None:
    assert max(len(delta.text) for delta in deltas(reply(length))) == longest
