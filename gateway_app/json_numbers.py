"""JSON from outside, read in a time that the numbers in it do not choose.

msgspec takes 37 µs for a number such as 1e308, a hundred times as long as Python's `float`: ten megabytes of
them are a minute in which the event loop stands still.
"""

import math
from functools import cache
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

MANY = 1_000
"""Members of objects; so many slow numbers take 40 ms."""
SMALL = 16_384
"""Bytes in which not many more fit."""


def decode(data: bytes | str, schema: type[T]) -> T:
    """Raises what `msgspec.json.decode` does. No schema may have a list of typed floats."""
    if len(data) > SMALL and _members(data) > MANY:
        # The hook does not reach floats that the schema asks for, and a member may be said again and again.
        return msgspec.convert(untyped(data), schema)
    value: T = _decoder(schema).decode(data)  # type: ignore[arg-type]  # types are hashable
    return value


def real(text: str) -> float:
    """A `float_hook` that refuses, as msgspec does, what is too great."""
    if math.isfinite(value := float(text)):
        return value
    raise ValueError("Number out of range")


untyped = msgspec.json.Decoder(float_hook=real).decode


def _members(data: bytes | str) -> int:
    """At least as many as there are."""
    return data.count(b":") if isinstance(data, bytes) else data.count(":")


@cache
def _decoder(schema: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(schema, float_hook=real)
