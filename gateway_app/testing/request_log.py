"""The last requests, as they came over the wire."""

from collections import deque
from typing import Any

import msgspec
from msgspec.structs import replace

MAX_REQUESTS = 200


class Received(msgspec.Struct, frozen=True, kw_only=True):
    method: str
    model: str
    path: str
    headers: dict[str, str]
    body: Any = None
    """Parsed JSON; the text itself where it is none."""


class RequestLog:
    """Bounded in number and in bytes."""

    def __init__(self, *, max_requests: int = MAX_REQUESTS, max_bytes: int = 64_000_000) -> None:
        self._max_requests = max_requests
        self._max_bytes = max_bytes
        self._kept: deque[tuple[Received, bytes]] = deque()
        self._bytes = 0

    def add(self, request: Received, body: bytes) -> None:
        self._kept.append((request, body))
        self._bytes += len(body)
        while len(self._kept) > self._max_requests or (self._bytes > self._max_bytes and len(self._kept) > 1):
            self._bytes -= len(self._kept.popleft()[1])

    def clear(self) -> None:
        self._kept.clear()
        self._bytes = 0

    def last(self, limit: int) -> list[Received]:
        """Up to `limit` of them, the newest last."""
        chosen = list(self._kept)[-limit:] if limit > 0 else []
        return [replace(request, body=_parsed(body)) for request, body in chosen]


def _parsed(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return body.decode(errors="replace")
