"""What changed between two texts, word by word, for reading side by side."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

WORDS = re.compile(r"\s+|\w+|[^\w\s]")
MAX_WORDS = 4000
"""Of a changed passage; a longer one is marked as a whole, for comparing words takes time by the square."""
MAX_LINES = 4000
LIKENESS = 0.3
"""The share of a passage that must have stayed, for the words in it to be worth comparing."""

Passage = tuple[Sequence[str], Sequence[str], bool]


@dataclass(frozen=True, slots=True)
class Piece:
    text: str
    changed: bool


@dataclass(frozen=True, slots=True)
class Diff:
    old: tuple[Piece, ...]
    new: tuple[Piece, ...]

    @property
    def same(self) -> bool:
        return not any(piece.changed for piece in self.old + self.new)


def diff(old: str, new: str) -> Diff:
    """The two texts in pieces: joined, each side's pieces are its text again."""
    sides: tuple[list[Piece], list[Piece]] = ([], [])
    lines = (old.splitlines(keepends=True), new.splitlines(keepends=True))
    for before, after, changed in _passages(*lines, at_most=MAX_LINES):
        inner = _word_passages("".join(before), "".join(after)) if changed else [(before, after, False)]
        for old_words, new_words, differs in inner:
            for side, text in zip(sides, ("".join(old_words), "".join(new_words)), strict=True):
                if text:
                    side.append(Piece(text, differs))
    return Diff(tuple(sides[0]), tuple(sides[1]))


def _word_passages(old: str, new: str) -> list[Passage]:
    found = list(_passages(WORDS.findall(old), WORDS.findall(new), at_most=MAX_WORDS))
    kept = sum(len("".join(words)) for words, _, changed in found if not changed)
    return found if kept >= LIKENESS * max(len(old), len(new)) else [([old], [new], True)]


def _passages(old: Sequence[str], new: Sequence[str], *, at_most: int) -> Iterator[Passage]:
    """Runs of both sequences that are equal, or that one replaced by the other."""
    if len(old) + len(new) > at_most:
        yield old, new, old != new
        return
    for tag, low, high, new_low, new_high in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        yield old[low:high], new[new_low:new_high], tag != "equal"
