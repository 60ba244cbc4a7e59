"""A kept reply is heard as a stream again."""

import pytest

from gateway_app.events import Fold
from gateway_app.replay import PIECE, PIECES, replay
from gateway_app.types import LONGEST_PIECE, Completion, ToolCall, Usage


def reply(length: int) -> Completion:
    return Completion(
        text=("0123456789" * length)[:length],
        tool_calls=(ToolCall(id="1", name="f", arguments="{}"),),
        finish_reason="stop",
        usage=Usage(output_tokens=length),
        model="gemini-2.5-flash",
    )


@pytest.mark.parametrize("whole", [True, False], ids=["whole", "in pieces"])
@pytest.mark.parametrize("length", [0, 1, PIECE, PIECE + 1, 5_000, 500_000])
def test_nothing_is_lost(length: int, whole: bool) -> None:
    fold = Fold()
    for chunk in replay(reply(length), whole=whole):
        fold.add(chunk)
    assert fold.completion(asked="") == reply(length)


@pytest.mark.parametrize(
    ("length", "longest"),
    [(PIECE * 3, PIECE), (PIECE * PIECES * 10, PIECE * 10), (LONGEST_PIECE * PIECES * 2, LONGEST_PIECE)],
)
def test_pieces_are_short_and_few(length: int, longest: int) -> None:
    texts = [chunk.text for chunk in replay(reply(length), whole=False)]
    assert max(map(len, texts)) == longest
