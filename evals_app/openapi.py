"""The experiments' structs in the OpenAPI document."""

from typing import Any

import msgspec

from evals_app.api_shapes import STRUCTS
from gateway_app.openapi import REF


def complete(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """A drf-spectacular hook."""
    _, components = msgspec.json.schema_components(STRUCTS, ref_template=REF)
    result.setdefault("components", {}).setdefault("schemas", {}).update(components)
    return result
