"""The misbehaviour that a caller may ask for.

In the user's text, for that request alone: `[[fault:429 retry=7]]`, `[[fault:cut after=2]]`; several add up.
Through the control endpoint, for the next calls: `{"fault": "503", "times": 2}`, first in, first out.
"""

import re
from collections import deque
from typing import Annotated, Literal

import msgspec
from msgspec.structs import replace

from gateway_app.testing.wire.errors import GoogleError, invalid_argument, of_status
from gateway_app.testing.wire.requests import Content, GenerateRequest

Kind = Literal[
    "latency",  # `ms` before the headers
    "chunk_delay",  # `ms` between chunks
    "drip",  # byte by byte, `ms` between bytes
    "hang",  # no headers, ever
    "stall",  # silence after `after` chunks
    "cut",  # the connection closes after `after` chunks
    "reset",  # the same, with a TCP reset
    "error_event",  # an error object in the stream after `after` chunks
    "no_finish",  # the stream ends without a finishReason
    "malformed",  # broken JSON: the whole body, or the chunk after `after` others
    "invalid_utf8",  # bytes that are no UTF-8, in the same place
    "wrong_type",  # an HTML page with status 200
    "empty",  # no candidates
    "blocked",  # promptFeedback.blockReason SAFETY
    "safety",  # finishReason SAFETY in the middle of the answer
    "recitation",
    "max_tokens",
    "thinking_only",  # MAX_TOKENS before the first word
    "huge",  # one chunk of `size` characters
    "long",  # `size` characters in chunks of about a thousand
    "400",
    "401",
    "403",
    "404",
    "429",  # with a RetryInfo of `retry_after` seconds, where given
    "500",
    "502",
    "503",
    "504",
]
_DEFAULT_MS = {"latency": 1000, "chunk_delay": 100}


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    fault: Kind
    ms: Annotated[int, msgspec.Meta(ge=0, le=600_000)] | None = None
    after: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 1
    retry_after: Annotated[float, msgspec.Meta(ge=0, le=86_400)] | None = None
    size: Annotated[int, msgspec.Meta(ge=1, le=64_000_000)] = 1_000_000

    @property
    def seconds(self) -> float:
        return (_DEFAULT_MS.get(self.fault, 0) if self.ms is None else self.ms) / 1000

    @property
    def error(self) -> GoogleError | None:
        """The error to answer with, if this fault is one."""
        if not self.fault.isdigit():
            return None
        return of_status(int(self.fault), self.retry_after)


class FaultOrder(Fault, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A fault for the next `times` calls."""

    times: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 1


Faults = tuple[Fault, ...]
_DIRECTIVE = re.compile(r"\[\[fault:\s*([^\]\[]*)\]\]")


def directed(text: str) -> Faults:
    """The faults that directives in `text` ask for. Raises `GoogleError` 400 where one is not understood."""
    return tuple(_directive(found[1]) for found in _DIRECTIVE.finditer(text))


def without_directives(request: GenerateRequest) -> GenerateRequest:
    """The request as the model is to read it."""
    return replace(request, contents=tuple(map(_cleared, request.contents)))


def _cleared(turn: Content) -> Content:
    parts = (
        replace(part, text=_DIRECTIVE.sub("", part.text).strip()) if part.text else part
        for part in turn.parts
    )
    return replace(turn, parts=tuple(parts))


def _directive(said: str) -> Fault:
    kind, *options = said.split() or [""]
    named = dict(option.partition("=")[::2] for option in options)
    if "retry" in named:
        named["retry_after"] = named.pop("retry")
    try:
        return msgspec.convert({"fault": kind, **named}, Fault, strict=False)
    except msgspec.ValidationError as exc:
        raise invalid_argument(f"The simulator has no [[fault:{said}]]: {exc}") from exc


class FaultQueue:
    """The faults that wait for the next calls."""

    MAX_ORDERS = 1000

    def __init__(self) -> None:
        self._orders: deque[FaultOrder] = deque(maxlen=self.MAX_ORDERS)

    def add(self, order: FaultOrder) -> None:
        self._orders.append(order)

    def clear(self) -> None:
        self._orders.clear()

    def take(self) -> Faults:
        """What the call that comes now has to suffer: one fault or none."""
        if not self._orders:
            return ()
        order = self._orders.popleft()
        if order.times > 1:
            self._orders.appendleft(replace(order, times=order.times - 1))
        return (order,)
