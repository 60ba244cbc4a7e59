"""What it costs to hold a value against a JSON Schema: how far its references expand, how large a value is.

The validator follows each `$ref` where it stands and remembers nothing but the way that it came, so that
eighteen levels which each name the next twice are a quarter of a million subschemas.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any
from urllib.parse import unquote

MOST_RULES = 10_000
"""Subschemas and the names that they require, with every reference expanded."""
COMPARISON = 5
CHARACTERS = 4096
"""Of a text, that cost as much as one value."""
REFERENCES = ("$ref", "$dynamicRef")
BY_NAME = ("properties", "patternProperties", "dependentSchemas")
HERE = ("$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas")
"""What these say is held against the same value and not against a part of it."""
DEFINITIONS = ("$defs", "definitions")
"""By name too; hold nothing against a value where they stand."""
DATA = ("const", "enum", "default", "examples")
"""What stands there is no schema, whatever it looks like."""

Schema = Mapping[str, Any]


class TooLarge(ValueError):
    """Says why a schema cannot be counted, or is too large."""


@dataclass(slots=True)
class Cost:
    rules: int = 0
    ways: int = 1
    """References from the schema that lead back into what is being expanded: a recursive one has some."""
    ways_on: int = 1
    """Those from where one of them leads, at the most: so many again for each level of a value."""
    unique: bool = False
    """Somewhere items must differ."""

    def grow(self, rules: int) -> None:
        self.rules += rules
        if self.rules > MOST_RULES:
            raise TooLarge(f"with its $refs expanded it has more than {MOST_RULES:,} rules")


@dataclass(frozen=True, slots=True)
class _Way:
    """The reference targets that led to a subschema."""

    all: frozenset[int] = frozenset()
    here: frozenset[int] = frozenset()
    """Those since a part of the value was last taken: coming back to one of them, it never ends."""


@dataclass(slots=True)
class _Counter:
    root: Schema
    cost: Cost = field(default_factory=Cost)
    anchors: dict[str, Schema] = field(default_factory=dict)
    recursive: list[Schema] = field(default_factory=list)
    returns: int = 0
    """References back, since the start."""
    rooted: bool = False
    """One leads to the schema itself."""

    def ways_from(self, start: Schema) -> int:
        self.returns = 0
        self.count(start, _Way(frozenset({id(start)}), frozenset({id(start)})))
        return max(self.returns, 1)

    def count(self, schema: Schema, way: _Way) -> None:
        needed = schema.get("required")
        dependent = schema.get("dependentRequired")
        lists = [needed, *(dependent.values() if isinstance(dependent, Mapping) else ())]
        self.cost.grow(1 + sum(len(names) for names in lists if isinstance(names, list)) + _compared(schema))
        self.cost.unique = self.cost.unique or schema.get("uniqueItems") is True
        for same_value, part in _parts(schema):
            self.count(part, _Way(way.all, way.here if same_value else frozenset()))
        for key in REFERENCES:
            if isinstance(reference := schema.get(key), str):
                self._follow(reference, way)

    def _follow(self, reference: str, way: _Way) -> None:
        target = _target(self.root, reference, self.anchors)
        if id(target) in way.here:
            raise TooLarge(f"the $ref {reference} leads back to itself without an end")
        if id(target) in way.all:
            self.cost.grow(1)
            self.returns += 1
            self.rooted = self.rooted or target is self.root
            if not any(target is known for known in self.recursive):
                self.recursive.append(target)
        else:
            self.count(target, _Way(way.all | {id(target)}, way.here | {id(target)}))


def cost_of(schema: Schema) -> Cost:
    """Counts no further than `MOST_RULES`. Raises `TooLarge`, `RecursionError`."""
    counter = _Counter(schema, anchors=dict(_anchors(schema)))
    counter.recursive.append(schema)
    ways = [counter.ways_from(start) for start in counter.recursive]  # grows while it is walked
    counter.cost.ways = ways[0]
    counter.cost.ways_on = max(ways if counter.rooted else ways[1:], default=1)
    return counter.cost


def _compared(schema: Schema) -> int:
    """Rules that objects and lists to compare with are worth: each is gone through anew for each value."""
    several = schema.get("enum")
    compared = [*(several if isinstance(several, list) else ()), schema.get("const")]
    return sum(
        COMPARISON * size_of(one, most=MOST_RULES)[0] for one in compared if isinstance(one, Mapping | list)
    )


def has_long_integers(value: Any) -> bool:
    """Beyond 64 bits, which are compared each with each where items must differ."""
    left = [value]
    while left:
        part = left.pop()
        if isinstance(part, int) and abs(part) >= 2**63:
            return True
        left += _inner(part)
    return False


def size_of(value: Any, *, most: int) -> tuple[int, int]:
    """How many values there are in `value`, a long text being several, and how deep. Stops beyond `most`."""
    size = depth = 0
    level = [value]
    while level and size <= most:
        size += len(level) + sum(len(text) for text in level if isinstance(text, str)) // CHARACTERS
        level = list(islice(chain.from_iterable(map(_inner, level)), most + 1))
        depth += bool(level)
    return size, depth


def _inner(value: Any) -> Any:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list | tuple) else ()


def _parts(schema: Schema) -> Iterator[tuple[bool, Schema]]:
    """The subschemas, and whether each is held against the same value. An unknown keyword's count, too."""
    for key, value in schema.items():
        if key in DEFINITIONS + DATA:
            continue
        by_name = key in BY_NAME and isinstance(value, Mapping)
        for part in value.values() if by_name else value if isinstance(value, list) else [value]:
            if isinstance(part, Mapping):
                yield key in HERE, part


def _anchors(value: Any) -> Iterator[tuple[str, Schema]]:
    if isinstance(value, Mapping):
        for key in ("$anchor", "$dynamicAnchor"):
            if isinstance(name := value.get(key), str):
                yield name, value
    for inner in _inner(value):
        yield from _anchors(inner)


def _target(root: Schema, reference: str, anchors: Mapping[str, Schema]) -> Schema:
    """Raises `TooLarge` where there is nothing."""
    name = unquote(reference.removeprefix("#"))
    found: Any = root
    if name and not name.startswith("/"):
        found = anchors.get(name)
    elif name:
        for step in name[1:].split("/"):
            found = _step(found, step.replace("~1", "/").replace("~0", "~"))
    if isinstance(found, bool):
        return {}
    if not isinstance(found, Mapping):
        raise TooLarge(f"the $ref {reference} leads nowhere")
    return found


def _step(value: Any, step: str) -> Any:
    if isinstance(value, list):
        return value[int(step)] if step.isdecimal() and len(step) < 9 and int(step) < len(value) else None
    return value.get(step) if isinstance(value, Mapping) else None
