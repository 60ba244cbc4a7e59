"""`{{ name }}` in a text: parsed once, filled in one pass, values never read as templates again."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from prompts_app.exceptions import VariablesInvalid

PLACEHOLDER = re.compile(r"\{\{[ \t]*([A-Za-z_][A-Za-z0-9_]*)[ \t]*\}\}")


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed text. Braces that hold no variable's name stay as they are."""

    pieces: tuple[str, ...]
    """Literal text at even places, variables' names at odd ones."""

    @property
    def variables(self) -> frozenset[str]:
        return frozenset(self.pieces[1::2])

    def render(self, values: Mapping[str, Any]) -> str:
        """The text with every placeholder replaced. Raises `VariablesInvalid` naming all that are missing."""
        pieces = list(self.pieces)
        try:
            pieces[1::2] = [as_text(values[name]) for name in pieces[1::2]]
        except KeyError:
            missing = ", ".join(sorted(self.variables - values.keys()))
            raise VariablesInvalid(f"missing variables: {missing}") from None
        return "".join(pieces)


@lru_cache(maxsize=4096)
def parse(template: str) -> Template:
    """Any text is a template; there is nothing that it can get wrong."""
    return Template(tuple(PLACEHOLDER.split(template)))


def variables_of(templates: Iterable[Template]) -> frozenset[str]:
    return frozenset().union(*(template.variables for template in templates))


def as_text(value: Any) -> str:
    """Text as it is; numbers, booleans, null, lists and objects as JSON.

    Raises `VariablesInvalid` for what JSON does not know, infinite numbers included.
    """
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as exc:
        raise VariablesInvalid(f"a {type(value).__name__} has no place in a text: {exc}") from exc
