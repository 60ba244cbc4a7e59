"""The JSON that a prompt describes in words: its schema."""

import json
import re
from typing import Any

from gateway_app.testing.answers.json_schema import Schema

_ASKS = re.compile(r"\bJSON\b")
_KEY = re.compile(r"""[`"'“]([A-Za-z]\w{0,40})[`"'”]""")
_LISTED_KEY = re.compile(
    r"""^[ \t]*[-*•][ \t]*[`"']?([a-z]\w*)[`"']?\s*(?:\([^)]*\)\s*)?[:\u2013—-]""", re.MULTILINE
)
_CHOICE = re.compile(r"""[`"']?([\w-]+)[`"']?(?:\s*(?:,|\||/|,?\s*\bor\b|,?\s*\band\b)\s*|$|[.;)\n])""")
_WORD = r"[`\"']?[\w-]+[`\"']?"
_OPTIONS = re.compile(rf"(?:one of|either|:|\()\s*:?\s*((?:{_WORD}\s*(?:,|\||\bor\b)\s*)+(?:or\s+)?{_WORD})")


def asked(wording: str) -> Schema | None:
    """The schema that `wording` describes by an example or by naming keys; None where it asks for no JSON."""
    if not _ASKS.search(wording):
        return None
    return example_schema(wording) or _described(wording) or {"type": "object", "properties": {"answer": {}}}


def example_schema(wording: str) -> Schema | None:
    """The schema of the first JSON object that stands in `wording`."""
    for brace in re.finditer(r"\{", wording):
        try:
            example, _ = json.JSONDecoder().raw_decode(wording, brace.start())
        except (ValueError, RecursionError):
            continue
        return _of_example(example)
    return None


def _of_example(example: Any) -> dict[str, Any]:
    if isinstance(example, dict):
        properties = {name: _of_example(value) for name, value in example.items()}
        return {"type": "object", "properties": properties, "required": list(properties)}
    if isinstance(example, list):
        return {"type": "array", "items": _of_example(example[0]) if example else {"type": "string"}}
    if isinstance(example, bool):
        return {"type": "boolean"}
    if isinstance(example, int | float):
        return {"type": "integer" if isinstance(example, int) else "number"}
    options = [option.strip() for option in str(example).split("|")]
    return {"type": "string"} | ({"enum": options} if len(options) > 1 else {})


def _described(wording: str) -> Schema | None:
    """A schema of the keys that are quoted or listed, each with the choices that follow its name."""
    found = _LISTED_KEY.findall(wording) or _KEY.findall(wording)
    keys = list(dict.fromkeys(found))
    if not keys:
        return None
    places = [wording.index(key) for key in keys] + [len(wording)]
    properties = {
        key: _choices(wording[start + len(key) : end])
        for key, start, end in zip(keys, places, places[1:], strict=False)
    }
    return {"type": "object", "properties": properties, "required": keys}


def _choices(said: str) -> dict[str, Any]:
    options = _OPTIONS.search(said)
    found = [match[1] for match in _CHOICE.finditer(options[1])] if options else []
    return {"type": "string"} | ({"enum": found} if len(found) > 1 else {})
