"""Bytes to server-sent events. Source: html.spec.whatwg.org, "Parsing an event stream"."""

import re
from collections.abc import Iterator

import msgspec

MAX_EVENT_BYTES = 8 * 1024 * 1024
_LINE_END = re.compile(rb"\r\n|\r|\n")
_WHOLE_EVENTS = re.compile(rb"(?:data: [^\r\n]+(?:\r\n\r\n|\n\n))+")
"""As vendors send them: one line each, and as a rule none in two pieces."""
_DATA = re.compile(rb"data: ([^\r\n]+)")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class EventTooLarge(ValueError):
    """An event exceeds the bound, so that the stream cannot be followed further."""


class ServerSentEvent(msgspec.Struct, frozen=True, kw_only=True):
    name: str = "message"
    data: bytes


class EventParser:
    """Takes a stream in pieces of any size, split anywhere; the events do not depend on the pieces.

    An event that the stream leaves unfinished is never seen, as the standard says.
    """

    def __init__(self, *, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._limit = max_event_bytes
        self._line = bytearray()
        self._first_line = True
        self._after_carriage_return = False
        self._name = ""
        self._data: list[bytes] = []
        self._size = 0

    def feed(self, piece: bytes) -> Iterator[ServerSentEvent]:
        """The events that end in `piece`. Raises `EventTooLarge` after those before it."""
        if not piece:
            return
        if self._at_rest and len(piece) <= self._limit and _WHOLE_EVENTS.fullmatch(piece):
            for data in _DATA.findall(piece):
                yield ServerSentEvent(data=data)
            return
        if self._after_carriage_return and piece.startswith(b"\n"):
            piece = piece[1:]
        self._after_carriage_return = piece.endswith(b"\r")
        first, *lines = _LINE_END.split(piece)
        self._line += first
        for line in lines:
            self._check()
            whole = bytes(self._line)
            self._line[:] = line
            if not whole:
                if event := self._dispatch():
                    yield event
            else:
                self._field(whole)
        self._check()

    @property
    def _at_rest(self) -> bool:
        """Between two events."""
        return not (self._line or self._data or self._name or self._after_carriage_return or self._first_line)

    def _check(self) -> None:
        if self._size + len(self._line) > self._limit:
            raise EventTooLarge(f"an event of more than {self._limit} bytes")

    def _field(self, line: bytes) -> None:
        if self._first_line:
            self._first_line = False
            line = line.removeprefix(_BYTE_ORDER_MARK)
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            self._data.append(value)
            self._size += len(line)
        elif field == b"event":
            self._name = value.decode(errors="replace")

    def _dispatch(self) -> ServerSentEvent | None:
        data, name = b"\n".join(self._data), self._name
        self._data, self._name, self._size, self._first_line = [], "", 0, False
        return ServerSentEvent(name=name or "message", data=data) if data else None
