"""How large a pattern of somebody else's may be, and how long a text it is held against.

The engine does not backtrack, but for each character it may go through all of a pattern, and a counted class
such as `.{1,255}` is a large one.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

TIERS: tuple[tuple[int, int | None], ...] = ((100_000, None), (500_000, 200_000), (5_000_000, 20_000))
"""Bytes of the compiled pattern, and the characters of all texts: a second at 5 and 50 µs a character, which
`(x.{250}|.x.{249})y` and `(x.{900}|.x.{899})y` take."""
MEMORY = 50_000_000
"""Bytes that the compiled patterns of one schema may take together."""
_EDGES = re.compile(r"(?<!\\)(?:\\\\)*\\[<>]")
"""The edges of words to the engine, and the characters to everybody else."""
_LOOKS = re.compile(r"\(\?<?[=!]|\\[1-9]|\(\?\(|\(\?>")


def tiers(schema: Any) -> list[tuple[int, int | None]]:
    """Those that as many patterns as the schema's may be of."""
    count = sum(1 for _ in patterns(schema))
    return [tier for tier in TIERS if tier[0] * count <= MEMORY]


def misread(schema: Any) -> str | None:
    """A pattern that means something else to the engine than its author said."""
    return next(filter(_EDGES.search, patterns(schema)), None)


def why_not(pattern: str) -> str:
    """Why the engine does not take it."""
    if _EDGES.search(pattern):
        return "what it escapes needs no backslash: write < and > as they are"
    if _LOOKS.search(pattern):
        return "it looks around or back, which can take endless time"
    return "it is no regular expression as JSON Schema has them, or too large"


def characters(value: Any) -> int:
    """Of all texts in a JSON value."""
    count, left = 0, [value]
    while left:
        part = left.pop()
        if isinstance(part, str):
            count += len(part)
        else:
            left += (
                part.values() if isinstance(part, Mapping) else part if isinstance(part, list | tuple) else ()
            )
    return count


def patterns(schema: Any) -> Iterator[str]:
    if isinstance(schema, Mapping):
        for key, value in schema.items():
            if key == "pattern" and isinstance(value, str):
                yield value
            elif key == "patternProperties" and isinstance(value, Mapping):
                yield from value
            yield from patterns(value)
    elif isinstance(schema, list):
        for item in schema:
            yield from patterns(item)
