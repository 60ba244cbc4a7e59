"""JSON Schema as Anthropic's structured outputs take it.

Every object is closed, and the constraints that the grammar does not know are told in words instead, so that
a schema which other vendors accept is not refused here. Source: "Structured outputs" at platform.claude.com.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

VERBATIM = ("type", "title", "description", "enum", "const", "required", "$ref")
FORMATS = frozenset(
    ("date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid")
)


def restricted(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema that `output_config.format` accepts, as close to `schema` as there is one."""
    kept = {name: schema[name] for name in VERBATIM if name in schema} | _inner(schema)
    form = schema.get("format")
    if isinstance(form, str) and form in FORMATS:
        kept["format"] = form
    if "properties" in kept or schema.get("type") == "object":
        kept["additionalProperties"] = False
    known = {*kept, "oneOf", "additionalProperties", "$schema", "$id", "default", "examples"}
    untold = {name: value for name, value in schema.items() if name not in known}
    if untold:
        words = msgspec.json.encode(untold).decode()
        kept["description"] = f"{kept.get('description', '')}\n\n{words}".strip()
    return kept


def _inner(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schemas within."""
    inner: dict[str, Any] = {}
    for name in ("properties", "$defs", "definitions"):
        if isinstance(schema.get(name), Mapping):
            inner[name] = {key: _if_schema(value) for key, value in schema[name].items()}
    for name, kept_as in (("anyOf", "anyOf"), ("oneOf", "anyOf"), ("allOf", "allOf")):
        if isinstance(schema.get(name), list):
            inner[kept_as] = [_if_schema(value) for value in schema[name]]
    if "items" in schema:
        inner["items"] = _if_schema(schema["items"])
    if schema.get("minItems") in (0, 1):
        inner["minItems"] = schema["minItems"]
    return inner


def _if_schema(value: Any) -> Any:
    return restricted(value) if isinstance(value, Mapping) else value
