"""Which functions a prompt calls for, and with which arguments."""

import re

from gateway_app.testing.answers.answer import Call
from gateway_app.testing.answers.sentences import words
from gateway_app.testing.answers.structured import fill
from gateway_app.testing.wire.requests import FunctionDeclaration, FunctionResponse, GenerateRequest


def wanted(request: GenerateRequest) -> tuple[Call, ...]:
    """The functions whose name or description shares most words with what the user said last.

    None where nothing is shared (except in mode ANY) or where the functions have already answered.
    """
    calling = request.tool_config.function_calling_config
    allowed = calling.allowed_function_names
    offered = [function for function in request.functions if not allowed or function.name in allowed]
    if not offered or calling.mode == "NONE" or request.contents[-1].function_responses:
        return ()
    said = request.user_text
    scores = [_shared(function, said) for function in offered]
    if not max(scores):
        return (_call(offered[0], said),) if calling.mode == "ANY" else ()
    best = max(scores)
    return tuple(
        _call(function, said) for function, score in zip(offered, scores, strict=True) if score == best
    )


def told(responses: tuple[FunctionResponse, ...]) -> str:
    """What the functions answered, in words."""
    return "\n".join(f"{_spoken(one.name)}: {_flat(one.response).rstrip('.')}." for one in responses)


def _shared(function: FunctionDeclaration, said: str) -> int:
    spoken = set(words(said))
    return 2 * len(spoken & set(words(_spoken(function.name)))) + len(
        spoken & set(words(function.description))
    )


def _call(function: FunctionDeclaration, said: str) -> Call:
    schema = function.schema
    required = schema.get("required")
    properties = schema.get("properties") or {}
    needed = {name: inner for name, inner in properties.items() if not required or name in required}
    args = fill({**schema, "properties": needed}, said)
    return Call(name=function.name, args=args if isinstance(args, dict) else {})


def _spoken(name: str) -> str:
    """`get_weather` and `getWeather` as words."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|[_.-]+", " ", name).strip().lower()


def _flat(value: object) -> str:
    if isinstance(value, dict):
        return (
            ", ".join(f"{name.replace('_', ' ')} is {_flat(inner)}" for name, inner in value.items())
            or "nothing"
        )
    if isinstance(value, list):
        return "; ".join(map(_flat, value)) or "nothing"
    return str(value)
