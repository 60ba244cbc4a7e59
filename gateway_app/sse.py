"""The forms of a stream over HTTP: server-sent events, or plain text."""

from typing import Protocol

from gateway_app.events import End, Start
from gateway_app.schemas import DeltaEvent, ErrorReply, encode
from gateway_app.shapes import end_event, start_event

EVENT = {
    "type": "object",
    "description": "One event of the stream",
    "properties": {"event": {"type": "string"}, "data": {"type": "string", "description": "JSON"}},
    "required": ["data"],
}
"""Of OpenAPI: of server-sent events it describes each."""


class StreamFormat(Protocol):
    content_type: str
    says_its_end: bool
    """Whether a reader can tell a whole stream from a broken one by its text."""

    def start(self, start: Start) -> bytes: ...
    def delta(self, text: str) -> bytes: ...
    def end(self, start: Start, end: End) -> bytes: ...
    def error(self, reply: ErrorReply) -> bytes: ...


class SSE:
    """Events `start`, `delta`, then `end` or `error`, each with a JSON object as its data."""

    content_type = "text/event-stream; charset=utf-8"
    says_its_end = True

    def start(self, start: Start) -> bytes:
        return _event(b"start", start_event(start))

    def delta(self, text: str) -> bytes:
        return _event(b"delta", DeltaEvent(text=text))

    def end(self, start: Start, end: End) -> bytes:
        return _event(b"end", end_event(start, end))

    def error(self, reply: ErrorReply) -> bytes:
        return _event(b"error", reply)


def _event(name: bytes, data: object) -> bytes:
    return b"event: " + name + b"\ndata: " + encode(data) + b"\n\n"


class PlainText:
    """The text alone."""

    content_type = "text/plain; charset=utf-8"
    says_its_end = False

    def start(self, start: Start) -> bytes:
        return b""

    def delta(self, text: str) -> bytes:
        return text.encode()

    def end(self, start: Start, end: End) -> bytes:
        return b""

    def error(self, reply: ErrorReply) -> bytes:
        return f"\n\n[the stream failed: {reply.error.message} ({reply.error.code})]\n".encode()
