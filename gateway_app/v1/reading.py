"""From the bytes of a request to its struct; what does not fit is said in OpenAI's words."""

import re

import msgspec

from gateway_app import json_numbers
from gateway_app.v1 import rules, strict_json
from gateway_app.v1.exceptions import BadParameter
from gateway_app.v1.schemas import ChatCompletionRequest

_PROBLEM = re.compile(r"(?P<problem>.*?)(?: - at `\$\.?(?P<path>[^`]*)`)?", re.DOTALL)
_FIELD = re.compile(r"Object (?P<kind>missing required|contains unknown) field `(?P<name>.*)`", re.DOTALL)


def read(data: bytes) -> ChatCompletionRequest:
    """Raises `BadParameter`."""
    try:
        body = json_numbers.decode(data, ChatCompletionRequest)
    except msgspec.ValidationError as exc:
        raise _misfit(str(exc)) from exc
    except (msgspec.DecodeError, UnicodeError, RecursionError) as exc:
        raise BadParameter(
            f"We could not parse the JSON body of your request: {exc}", param=None, code="invalid_json"
        ) from exc
    strict_json.check(data)
    rules.check(body)
    return body


def _misfit(message: str) -> BadParameter:
    """The exception for msgspec's "Expected `int`, got `str` - at `$.n`"."""
    found = _PROBLEM.fullmatch(message)
    problem, path = (found["problem"], found["path"] or "") if found else (message, "")
    if field := _FIELD.fullmatch(problem):
        return _missing_or_unknown(field["name"][:100], path, missing=field["kind"] == "missing required")
    code = "invalid_type" if ", got `" in problem else "invalid_value"
    return BadParameter(f"Invalid '{path or 'body'}': {problem}.", param=path or None, code=code)


def _missing_or_unknown(name: str, path: str, *, missing: bool) -> BadParameter:
    param = f"{path}.{name}" if path else name
    if missing:
        message, code = f"Missing required parameter: '{param}'.", "missing_required_parameter"
    elif path:
        message, code = f"Unknown parameter: '{param}'.", "unknown_parameter"
    else:
        message, code = f"Unrecognized request argument supplied: {name}", "unknown_parameter"
    return BadParameter(message, param=param, code=code)
