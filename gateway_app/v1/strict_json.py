"""What JSON leaves open and two readers could understand differently: refused."""

import json
from collections import Counter
from typing import Any

from gateway_app.nesting import DEEPEST, too_deep
from gateway_app.v1.exceptions import BadParameter


def check(data: bytes) -> None:
    """`data` is known to be JSON. Raises `BadParameter` for a name given twice and for deep nesting."""
    if too_deep(data):  # first, for Python's reader gives up at fewer levels than msgspec
        raise BadParameter(
            f"the body is nested more than {DEEPEST} levels deep", param=None, code="invalid_json"
        )
    _read(data.decode())


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0][:100]
        raise BadParameter(f"{twice!r} stands twice in one object", param=twice, code="invalid_json")
    return members


_read = json.JSONDecoder(object_pairs_hook=_object).decode
