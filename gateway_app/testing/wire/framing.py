"""How Google puts messages into a stream: server-sent events with `alt=sse`, else one JSON array."""

from typing import Any

import msgspec

from gateway_app.testing.wire.errors import GoogleError

JSON = "application/json; charset=UTF-8"

encode = msgspec.json.encode


def content_type(*, sse: bool) -> str:
    return "text/event-stream" if sse else JSON


def chunks(messages: list[dict[str, Any]], *, sse: bool) -> list[bytes]:
    """One piece of bytes for each message."""
    if sse:
        return [b"data: " + encode(message) + b"\r\n\r\n" for message in messages]
    opened = [(b",\r\n" if number else b"[") + encode(message) for number, message in enumerate(messages)]
    return [*opened[:-1], opened[-1] + b"]"]


def error_chunk(error: GoogleError, *, sse: bool) -> bytes:
    """An error in the midst of a stream."""
    return b"data: " + encode(error.body()) + b"\r\n\r\n" if sse else b",\r\n" + encode(error.body()) + b"]"


def error_body(error: GoogleError, *, as_array: bool) -> bytes:
    """An error in place of a reply; a stream that is an array answers with an array."""
    return encode([error.body()] if as_array else error.body())
