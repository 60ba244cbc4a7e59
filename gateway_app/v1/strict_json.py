"""What JSON leaves open and two readers could understand differently: refused."""

import json
from collections import Counter
from typing import Any

from gateway_app.v1.exceptions import BadParameter

DEPTH = 64
"""Levels of nesting; OpenAI's own limit for a schema is ten."""


def check(data: bytes) -> None:
    """`data` is known to be JSON. Raises `BadParameter` for a name given twice and for deep nesting."""
    level: list[Any] = [_read(data.decode())]
    if data.count(b"{") + data.count(b"[") <= DEPTH:
        return
    for _ in range(DEPTH):
        level = [inner for value in level for inner in _inside(value)]
        if not level:
            return
    raise BadParameter(f"the body is nested more than {DEPTH} levels deep", param=None, code="invalid_json")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0][:100]
        raise BadParameter(f"{twice!r} stands twice in one object", param=twice, code="invalid_json")
    return members


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


_read = json.JSONDecoder(object_pairs_hook=_object).decode
