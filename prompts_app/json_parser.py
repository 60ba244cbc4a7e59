"""The registry's JSON bodies, read strictly: what two readers could take for different things is refused."""

import json
import math
from collections.abc import Mapping
from typing import Any, NoReturn

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from prompts_app.content import is_storable

DEEPEST = 64
"""Levels of objects and lists. What is stored is read by others, who give up at some depth, too."""


class StrictJsonParser(BaseParser):
    """Raises `ParseError`."""

    media_type = "application/json"

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        try:
            value = json.loads(
                stream.read().decode(),
                object_pairs_hook=_once_each,
                parse_constant=_no_number,
                parse_float=_finite,
            )
        except RecursionError as exc:
            raise ParseError(f"the body is nested deeper than {DEEPEST} levels") from exc
        except ValueError as exc:  # no UTF-8, no JSON, a number of too many digits
            raise ParseError(f"the body is not JSON: {exc}") from exc
        if too_deep(value):
            raise ParseError(f"the body is nested deeper than {DEEPEST} levels")
        return value


def too_deep(value: Any, *, left: int = DEEPEST) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return bool(inner) and (not left or any(too_deep(part, left=left - 1) for part in inner))


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ParseError("an object names the same field twice")
    if not all(map(is_storable, found)):
        raise ParseError("a name holds a character that cannot be stored (NUL or half a surrogate pair)")
    return found


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _no_number(text)


def _no_number(text: str) -> NoReturn:
    raise ParseError(f"{text} is no number")
