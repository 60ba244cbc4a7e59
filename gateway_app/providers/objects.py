"""JSON text as the object that some vendors take where OpenAI takes text."""

from typing import Any

from gateway_app import json_numbers
from gateway_app.nesting import too_deep


def as_object(text: str, *, wrapped_as: str) -> dict[str, Any]:
    """Anything but an object is wrapped. Nested too deeply it stays text: Google refuses 100 levels."""
    try:
        value = text if too_deep(text) else json_numbers.untyped(text)
    except ValueError:
        value = text
    return value if isinstance(value, dict) else {wrapped_as: value}
