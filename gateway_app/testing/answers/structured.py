"""A JSON value that fits a schema, filled from a text."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any

from gateway_app.testing.answers import facts, labels
from gateway_app.testing.answers.json_schema import MAX_DEPTH, Schema, bounds, resolved, type_of
from gateway_app.testing.answers.sentences import best_sentences

_RATIO = re.compile(r"confiden|score|probab|certain|ratio|likelihood")
_REASONING = "This is a simulator: it cannot judge, and its verdict is drawn from the text by chance."
_RATING = re.compile(r"rating|stars|score|grade")


def fill(schema: Schema, text: str) -> Any:
    """A value that `schema` accepts (JSON Schema, or Google's subset with its types in capitals).

    A `pattern` is met only where the text holds a match.
    """
    return _Filler(text, schema).value(schema, _Place())


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in the schema a value goes."""

    name: str = ""
    depth: int = 0


class _Filler:
    def __init__(self, text: str, root: Schema) -> None:
        self.text = text
        self.root = root
        self.makers: Mapping[str, Callable[[Schema, _Place], Any]] = {
            "object": self.object,
            "array": self.array,
            "string": self.string,
            "number": self.number,
            "integer": self.integer,
            "boolean": self.boolean,
            "null": lambda schema, place: None,
        }

    def value(self, schema: Schema, place: _Place) -> Any:
        schema = resolved(schema, self.root)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return _ranked(list(schema["enum"]), self.text)[0]
        return self.makers.get(type_of(schema), self.string)(schema, place)

    def object(self, schema: Schema, place: _Place) -> dict[str, Any]:
        required = schema.get("required", ())
        return {
            name: self.value(inner, _Place(name, place.depth + 1))
            for name, inner in (schema.get("properties") or {}).items()
            if place.depth < MAX_DEPTH and (name in required or place.depth < MAX_DEPTH // 2)
        }

    def array(self, schema: Schema, place: _Place) -> list[Any]:
        least = int(schema.get("minItems", 0))
        wanted = (
            least if place.depth >= MAX_DEPTH // 2 else min(max(least, 3), int(schema.get("maxItems", 100)))
        )
        items = resolved(schema.get("items") or {"type": "string"}, self.root)
        found = self.items(items, place, wanted)
        return found + [self.value(items, place) for _ in range(least - len(found))]

    def items(self, items: Schema, place: _Place, wanted: int) -> list[Any]:
        if items.get("enum"):
            return _ranked(list(items["enum"]), self.text)[:wanted]
        if type_of(items) == "string" and "format" not in items:
            return list(facts.phrases(self.text, place.name, wanted))
        inner = _Place(place.name, place.depth + 1)
        sources = best_sentences(self.text, wanted) if wanted else []
        return [_Filler(sentence, self.root).value(items, inner) for sentence in sources]

    def string(self, schema: Schema, place: _Place) -> str:
        found = self.wording(schema, place)[: int(schema.get("maxLength", 2000))]
        return found.ljust(int(schema.get("minLength", 0)), ".")

    def wording(self, schema: Schema, place: _Place) -> str:
        if place.name == "reasoning":
            return _REASONING
        if schema.get("format") in facts.FORMATS:
            return facts.formatted(self.text, schema["format"])
        if "pattern" in schema and (match := re.search(schema["pattern"].strip("^$"), self.text)):
            return match[0]
        return facts.phrase(self.text, place.name, schema.get("description", ""))

    def number(self, schema: Schema, place: _Place) -> float:
        low, high = bounds(schema, step=0.01)
        if not _RATIO.search(place.name.casefold()):
            return min(max(facts.figure(self.text, place.name), low), high)
        low, high = (0.0 if low == -inf else low), (1.0 if high == inf else high)
        return round(low + (high - low) * (0.7 + 0.25 * facts.share(self.text + place.name)), 2)

    def integer(self, schema: Schema, place: _Place) -> int:
        low, high = bounds(schema, step=1)
        if not _RATING.search(place.name.casefold()):
            return int(min(max(facts.figure(self.text, place.name), low), high))
        low, high = (1 if low == -inf else low), (5 if high == inf else high)
        return round(low + (high - low) * (0.5 + 0.5 * facts.share(self.text + place.name)))

    def boolean(self, schema: Schema, place: _Place) -> bool:
        return facts.holds(self.text, place.name, schema.get("description", ""))


def _ranked(options: list[Any], text: str) -> list[Any]:
    """The options, the best fitting first."""
    ranked = []
    while options:
        spelled = [str(option) for option in options]
        ranked.append(options.pop(spelled.index(labels.choose(spelled, text))))
    return ranked
