"""How deep a client's JSON may be nested."""

from typing import Any

from gateway_app import json_numbers

DEEPEST = 64
"""Levels of objects and lists; OpenAI's own limit for a schema is ten. Whoever reads them later, and we
ourselves, give up at some depth."""


def too_deep(data: bytes | str) -> bool:
    """Of what is known to be JSON."""
    opened = (
        data.count(b"{") + data.count(b"[") if isinstance(data, bytes) else data.count("{") + data.count("[")
    )
    if opened <= DEEPEST:
        return False
    level: list[Any] = [json_numbers.untyped(data)]
    for _ in range(DEEPEST):
        level = [inner for value in level for inner in _inside(value)]
        if not level:
            return False
    return True


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
