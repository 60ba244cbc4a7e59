"""Whether the values given to a prompt fit its schema. Errors name every problem and quote no value."""

from collections.abc import Iterable, Mapping
from typing import Any

from prompts_app.exceptions import TemplateInvalid, VariablesInvalid
from prompts_app.json_schema import JsonSchema, NotJudged, SchemaInvalid

TOLD_OTHERWISE = frozenset({"required", "additionalProperties"})
"""What these say of all variables is told as missing and unknown ones."""


class VariablesSchema:
    """The compiled JSON Schema of a version's variables."""

    def __init__(self, schema: Mapping[str, Any], *, used: frozenset[str]) -> None:
        """`used` are the variables that the templates name. Raises `TemplateInvalid`."""
        try:
            self._schema = JsonSchema(schema)
        except SchemaInvalid as exc:
            raise TemplateInvalid(f"variables: {exc}") from exc
        properties: Mapping[str, Any] = schema.get("properties", {})
        self.used = used
        self.known = used | properties.keys()
        self.undeclared = used - properties.keys() if properties else frozenset()
        self.unused = properties.keys() - used
        self.defaults = {
            name: rule["default"]
            for name, rule in properties.items()
            if isinstance(rule, dict) and "default" in rule
        }
        self.needed = used | frozenset(schema.get("required", ()))

    def complete(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """`values` with the schema's defaults for what is left out.

        Raises `VariablesInvalid` that names all missing, unknown and wrong variables.
        """
        complete = {**self.defaults, **values}
        if complaints := list(self._complaints(complete)):
            raise VariablesInvalid("; ".join(complaints))
        return complete

    def _complaints(self, values: Mapping[str, Any]) -> Iterable[str]:
        if missing := self.needed - values.keys():
            yield f"missing variables: {', '.join(sorted(missing))}"
        if unknown := values.keys() - self.known:
            yield f"unknown variables: {', '.join(sorted(unknown))}"
        try:
            if not self._schema.fits(values):
                yield from self._schema.complaints(values, but=TOLD_OTHERWISE)
        except NotJudged as exc:
            yield f"the variables are {exc}"
