"""Values with which a prompt can be looked at before anybody calls it."""

from collections.abc import Mapping
from typing import Any

BY_TYPE: Mapping[str, Any] = {
    "integer": 1,
    "number": 1.5,
    "boolean": True,
    "array": [],
    "object": {},
    "null": None,
}


def sample_values(schema: Mapping[str, Any], *, used: frozenset[str]) -> dict[str, Any]:
    """A value for each variable: its default, its first example or enum, or something of its type."""
    properties = schema.get("properties", {})
    return {name: _sample(name, properties.get(name, {})) for name in sorted(used | properties.keys())}


def _sample(name: str, rule: Any) -> Any:
    if not isinstance(rule, Mapping):
        return f"[{name}]"
    if "default" in rule:
        return rule["default"]
    for choices in ("examples", "enum"):
        if rule.get(choices):
            return rule[choices][0]
    kind = rule.get("type", "string")
    return BY_TYPE.get(kind, f"[{name}]") if isinstance(kind, str) else f"[{name}]"
