"""JSON Schemas that others wrote: whether a value fits, and what is wrong with it, within bounds.

Nothing is ever fetched. Patterns take time that grows with the text and no faster. What a schema costs is
bounded where it is compiled, what a value costs where it is held against it, and so is what is told.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import jsonschema_rs as rs

from prompts_app.schema_cost import (
    BY_NAME,
    DATA,
    DEFINITIONS,
    Cost,
    TooLarge,
    cost_of,
    has_long_integers,
    size_of,
)
from prompts_app.schema_patterns import characters, misread, tiers, why_not

MASK = "…"
"""Stands for the value in the validator's own messages, which are never read and would be large."""
LIGHT = 100
"""Rules, up to which no value that a request can hold takes long."""
MOST_CHECKS = 10_000_000
"""Rules times values: a fifth of a second."""
MOST_TELLABLE = 30_000
"""Rules times values, of which it is told what is wrong: each complaint takes some ten microseconds."""
DEEPEST_TOLD = 20
"""Levels of a value that a schema with more than one way back into itself is followed down."""
MOST_TOLD = 20
MOST_SAID = 2_000
TOLD_OF_ONE = 300
UNTOLD = "the value does not fit the schema, and is too large or too deep to say where"


class SchemaInvalid(ValueError):
    """Says what is wrong with a schema."""


class NotJudged(ValueError):
    """A value was not held against the schema: it is too large, or no JSON."""


def compiled(schema: Mapping[str, Any], *, pattern_size: int = 100_000) -> rs.Draft202012Validator:
    """The only way to a validator: it fetches nothing and does not backtrack. Raises `ValueError`."""
    return rs.Draft202012Validator(
        dict(schema),
        offline=True,
        pattern_options=rs.RegexOptions(size_limit=pattern_size),
        validate_formats=False,
        mask=MASK,
    )


METASCHEMA = compiled({"$ref": "https://json-schema.org/draft/2020-12/schema"})
"""It comes with the validator."""


class JsonSchema:
    """A JSON Schema that stands by itself. Raises `SchemaInvalid`."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        if found := schema_problems(schema):
            raise SchemaInvalid("; ".join(found))
        self._schema = schema
        self._cost = _cost(schema)
        self._validator, self._most_characters = _validator(schema)

    def fits(self, value: Any) -> bool:
        """Far faster than to ask what is wrong. Raises `NotJudged`."""
        if self._cost.rules > LIGHT:
            most = MOST_CHECKS // self._cost.rules
            if size_of(value, most=most)[0] > most:
                raise NotJudged("too large for a schema of so many rules")
        if self._cost.unique and has_long_integers(value):
            raise NotJudged("in numbers beyond 64 bits, where items must differ")
        if self._most_characters is not None and characters(value) > self._most_characters:
            raise NotJudged(
                f"longer than the {self._most_characters:,} characters that so large a pattern takes"
            )
        try:
            return self._validator.is_valid(value)
        except ValueError as exc:  # the value is in its message
            raise NotJudged("not JSON, or nested too deeply") from exc

    def complaints(self, value: Any, *, but: frozenset[str] = frozenset()) -> list[str]:
        """What keeps a value that does not fit from it, without the keywords of `but` for the whole value."""
        if not self._tellable(value):
            return [UNTOLD]
        try:
            return _bounded(self._told(value, but))
        except ValueError:  # nested deeper than the validator follows
            return [UNTOLD]

    def _told(self, value: Any, but: frozenset[str]) -> Iterator[str]:
        for error in self._validator.iter_errors(value):
            if error.instance_path or len(error.schema_path) > 1 or _keyword(error) not in but:
                yield explain(error, self._schema)

    def _tellable(self, value: Any) -> bool:
        """To tell what is wrong, a recursive schema is followed along each of its ways, over and over."""
        most = MOST_TELLABLE // self._cost.rules
        size, depth = size_of(value, most=most)
        ways, on = self._cost.ways, self._cost.ways_on
        return size * ways <= most and (on == 1 or (depth < DEEPEST_TOLD and size * ways * on**depth <= most))


def schema_problems(schema: Mapping[str, Any]) -> list[str]:
    """What keeps `schema` from being a JSON Schema that stands by itself."""
    try:
        METASCHEMA.validate(dict(schema))
        references = list(_references(schema))
    except rs.ValidationError as exc:
        where = ".".join(map(str, exc.instance_path))
        return [f"not a JSON Schema{f' at {where}' if where else ''}: {explain(_deepest(exc))}"]
    except (ValueError, RecursionError):
        return ["nested too deeply, or no JSON"]
    return list(dict.fromkeys(_foreign(key, value) for key, value in references if not value.startswith("#")))


def equal(one: Any, other: Any) -> bool:
    """As JSON Schema compares: 1 is 1.0, and true is not 1."""
    try:
        return compiled({"const": other}).is_valid(one)
    except ValueError:  # half a surrogate pair
        return False


def explain(error: rs.ValidationError, schema: Mapping[str, Any] | None = None) -> str:
    """One line that names the place and the rule, without the value that broke it."""
    place = ".".join(map(str, error.instance_path))
    keyword = _keyword(error)
    rule = json.dumps(_rule(error, schema), ensure_ascii=False, default=str)
    match keyword:
        case "type":
            says = f"must be of type {rule}"
        case "enum" | "const":
            says = f"must be one of {rule}"
        case "required":
            says = f"must have {rule}"
        case "additionalProperties":
            allowed = ", ".join(sorted(_at(schema, [*error.schema_path[:-1], "properties"]) or ()))
            says = "has unknown fields" + (f"; known are {allowed}" if allowed else "")
        case "false":
            says = "must not be there"
        case _:
            says = f"breaks the rule {keyword} {rule}"
    return f"{place} {says[:TOLD_OF_ONE]}" if place else says[:TOLD_OF_ONE]


def _bounded(complaints: Iterable[str]) -> list[str]:
    """Each once, and no more and no longer than anybody reads."""
    told: dict[str, None] = {}
    room = MOST_SAID
    for complaint in complaints:
        if complaint in told:
            continue
        room -= len(complaint) + 2
        if room < 0 or len(told) == MOST_TOLD:
            return [*told, "and more"]
        told[complaint] = None
    return list(told)


def _cost(schema: Mapping[str, Any]) -> Cost:
    try:
        return cost_of(schema)
    except TooLarge as exc:
        raise SchemaInvalid(str(exc)) from exc
    except RecursionError as exc:
        raise SchemaInvalid("nested too deeply") from exc


def _validator(schema: Mapping[str, Any]) -> tuple[rs.Draft202012Validator, int | None]:
    """And how many characters a value may have; None: any number."""
    problem = "it has too many patterns"
    if pattern := misread(schema):
        raise SchemaInvalid(_not_taken(pattern))
    for size, most in tiers(schema):
        try:
            return compiled(schema, pattern_size=size), most
        except rs.ValidationError as exc:
            if exc.kind.name != "format":
                raise SchemaInvalid(f"not a JSON Schema: {exc.message[:TOLD_OF_ONE]}") from exc
            pattern = exc.instance if isinstance(exc.instance, str) else str(exc.instance_path[-1])
            problem = _not_taken(pattern)
        except ValueError as exc:
            raise SchemaInvalid("not a JSON Schema: nested too deeply, or no JSON") from exc
    raise SchemaInvalid(problem)


def _not_taken(pattern: str) -> str:
    shown = json.dumps(pattern, ensure_ascii=False)[:TOLD_OF_ONE]
    return f"the pattern {shown} is not taken: {why_not(pattern)}"


def _keyword(error: rs.ValidationError) -> str:
    """As the schema says it: the validator has names of its own for a few."""
    keyword = str(error.schema_path[-1]) if error.schema_path else error.kind.name
    # Where nothing is declared, the validator takes `additionalProperties` for any other false.
    return "false" if error.kind.name == "falseSchema" and keyword != "additionalProperties" else keyword


def _rule(error: rs.ValidationError, schema: Mapping[str, Any] | None) -> Any:
    return error.kind.value if schema is None else _at(schema, error.schema_path)


def _at(schema: Any, path: Iterable[str | int]) -> Any:
    """None where there is nothing."""
    for step in path:
        try:
            schema = schema[step]
        except (KeyError, IndexError, TypeError):
            return None
    return schema


def _deepest(error: rs.ValidationError) -> rs.ValidationError:
    """Of "none of these holds", why the first does not."""
    while inner := [found for branch in getattr(error.kind, "context", ()) for found in branch]:
        error = inner[0]
    return error


def _foreign(key: str, value: str) -> str:
    if key == "$id":
        return "$id may stand at the top only"
    return f"$ref may point inside the schema only, not to {value}"


def _references(schema: Any, *, top: bool = True, names: bool = False) -> Iterator[tuple[str, str]]:
    """References, and names of subschemas that references inside of them would start from.

    `names`: the keys are the author's own and no keywords.
    """
    if isinstance(schema, list):
        for item in schema:
            yield from _references(item, top=False)
    for key, value in schema.items() if isinstance(schema, Mapping) else ():
        if names:
            yield from _references(value, top=False)
        elif isinstance(value, str):
            if key in ("$ref", "$dynamicRef") or (key == "$id" and not top):
                yield key, value
        elif key not in DATA:
            yield from _references(value, top=False, names=key in BY_NAME + DEFINITIONS)
