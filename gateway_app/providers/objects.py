"""JSON text as the object that some vendors take where OpenAI takes text."""

from typing import Any

import msgspec

DEPTH = 64
"""Levels of nesting that are passed on as structure; Google's own limit is below 100."""


def as_object(text: str, *, wrapped_as: str) -> dict[str, Any]:
    """Anything but an object is wrapped, and what is nested too deeply stays text."""
    try:
        value = msgspec.json.decode(text) if nesting(text) <= DEPTH else text
    except ValueError:
        value = text
    return value if isinstance(value, dict) else {wrapped_as: value}


def nesting(text: str) -> int:
    """At least the depth of the JSON in `text`: brackets inside strings count too."""
    depth = deepest = 0
    for character in text:
        if character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest
