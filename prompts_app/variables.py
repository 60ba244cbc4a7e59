"""Whether the values given to a prompt fit its schema. Errors name every problem and quote no value."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import jsonschema_rs
from jsonschema import Draft202012Validator, SchemaError
from jsonschema.exceptions import ValidationError
from referencing import Registry
from referencing.exceptions import Unresolvable

from prompts_app.exceptions import TemplateInvalid, VariablesInvalid

NOWHERE: Registry[Any] = Registry()
"""Holds no schema and fetches none, so a `$ref` never leaves the process."""


class VariablesSchema:
    """The compiled JSON Schema of a version's variables."""

    def __init__(self, schema: Mapping[str, Any], *, used: frozenset[str]) -> None:
        """`used` are the variables that the templates name. Raises `TemplateInvalid`."""
        if found := schema_problems(schema, what="variables"):
            raise TemplateInvalid("; ".join(found))
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
        self._validator = Draft202012Validator(schema, registry=NOWHERE)
        self._quick = _quick_validator(schema)

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
        if self._fit(values):
            return
        try:
            for error in self._validator.iter_errors(values):
                if error.path or error.validator not in ("required", "additionalProperties"):
                    yield explain(error)
        except (Unresolvable, RecursionError) as exc:
            raise TemplateInvalid("variables: the schema has a $ref that leads nowhere") from exc

    def _fit(self, values: Mapping[str, Any]) -> bool:
        """Thirty times faster than to ask what is wrong, which can only be nothing then."""
        try:
            return self._quick is not None and self._quick.is_valid(values)
        except ValueError:  # what JSON does not have, or too deep
            return False


def _quick_validator(schema: Mapping[str, Any]) -> jsonschema_rs.Draft202012Validator | None:
    """None where it does not take the schema, such as a pattern that only Python knows."""
    try:
        return jsonschema_rs.Draft202012Validator(dict(schema))
    except ValueError:
        return None


def schema_problems(schema: Mapping[str, Any], *, what: str) -> list[str]:
    """What keeps `schema` from being a JSON Schema that stands by itself."""
    try:
        Draft202012Validator.check_schema(dict(schema))
    except SchemaError as exc:
        where = ".".join(str(part) for part in exc.absolute_path)
        return [f"{what}: not a JSON Schema{f' at {where}' if where else ''}: {explain(exc)}"]
    except RecursionError:
        return [f"{what}: nested too deeply"]
    foreign = [ref for ref in _references(schema) if not ref.startswith("#")]
    return [f"{what}: $ref may point inside the schema only, not to {ref}" for ref in foreign]


def explain(error: ValidationError | SchemaError) -> str:
    """One line that names the place and the rule, without the value that broke it."""
    place = ".".join(str(part) for part in error.absolute_path)
    rule = json.dumps(error.validator_value, ensure_ascii=False, default=str)
    match error.validator:
        case "type":
            says = f"must be of type {rule}"
        case "enum" | "const":
            says = f"must be one of {rule}"
        case "required":
            says = f"must have {rule}"
        case "additionalProperties":
            allowed = ", ".join(sorted(error.schema.get("properties", {})))  # type: ignore[union-attr]
            says = f"has unknown fields; known are {allowed}"
        case _:
            says = f"breaks the rule {error.validator} {rule}"
    return f"{place} {says[:300]}" if place else says[:300]


def _references(schema: Any) -> Iterable[str]:
    if isinstance(schema, Mapping):
        for key, value in schema.items():
            if key in ("$ref", "$dynamicRef") and isinstance(value, str):
                yield value
            else:
                yield from _references(value)
    elif isinstance(schema, list):
        for item in schema:
            yield from _references(item)
