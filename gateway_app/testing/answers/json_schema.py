"""JSON Schema made plain: references followed, alternatives chosen, types and bounds read."""

from collections.abc import Mapping
from math import inf
from typing import Any

Schema = Mapping[str, Any]
MAX_DEPTH = 8


def resolved(schema: Schema, root: Schema) -> Schema:
    """`schema` with its `$ref` followed, its `allOf` merged, its first alternative but null taken."""
    for _ in range(MAX_DEPTH):
        if reference := schema.get("$ref"):
            schema = _without(schema, "$ref") | _referenced(str(reference), root)
        elif options := schema.get("anyOf") or schema.get("oneOf"):
            real = [option for option in options if type_of(option) != "null"]
            schema = _without(schema, "anyOf", "oneOf") | dict((real or options)[0])
        elif parts := schema.get("allOf"):
            schema = _merged([_without(schema, "allOf"), *(resolved(part, root) for part in parts)])
        else:
            break
    return schema


def type_of(schema: Schema) -> str:
    """The type in lower case; the first one that is not null where several are allowed."""
    named = schema.get("type")
    if isinstance(named, list):
        named = next((one for one in named if one.lower() != "null"), "null")
    if not named:
        named = "object" if "properties" in schema else "array" if "items" in schema else "string"
    return str(named).lower()


def bounds(schema: Schema, *, step: float) -> tuple[float, float]:
    """The least and the greatest number allowed; `step` is what an exclusive bound takes away."""
    low = max(schema.get("minimum", -inf), schema.get("exclusiveMinimum", -inf) + step)
    high = min(schema.get("maximum", inf), schema.get("exclusiveMaximum", inf) - step)
    return low, high


def _referenced(reference: str, root: Schema) -> dict[str, Any]:
    found: Any = root
    for step in filter(None, reference.removeprefix("#").split("/")):
        found = found.get(step, {}) if isinstance(found, Mapping) else {}
    return dict(found)


def _merged(parts: list[Schema]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for part in parts:
        properties = {**merged.get("properties", {}), **part.get("properties", {})}
        required = [*merged.get("required", []), *part.get("required", [])]
        merged |= dict(part) | ({"properties": properties, "required": required} if properties else {})
    return merged


def _without(schema: Schema, *left_out: str) -> dict[str, Any]:
    return {name: value for name, value in schema.items() if name not in left_out}
