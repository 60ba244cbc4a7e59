"""Around every HTTP request: its id, its bound, and an answer even to the unforeseen."""

import re
import time
from collections.abc import Callable, MutableMapping
from typing import Any

from django.http import Http404

from gateway_app.errors import Failure, failure
from gateway_app.exceptions import BodyTooLarge
from gateway_app.headers import header
from gateway_app.ids import current_request, uuid7_text
from gateway_app.schemas import encode

Scope = MutableMapping[str, Any]
Answered = Callable[[int], None]

NOSNIFF = (b"x-content-type-options", b"nosniff")
"""A model's words are never taken for a page, whatever they look like."""
DJANGOS_NOSNIFF = (b"X-Content-Type-Options", b"nosniff")
"""As Django says it of its own pages."""
SANE_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")


class Door:
    """ASGI. Gives `scope["request_id"]`; refuses bodies over `max_body` bytes before they are read whole.

    `answered` is told the status of each answer.
    """

    def __init__(self, app: Any, *, max_body: int, answered: Answered = lambda status: None) -> None:
        self._app = app
        self._max_body = max_body
        self._answered = answered

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = header(scope, b"x-request-id")
        identifier = given.decode() if SANE_ID.fullmatch(given) else uuid7_text()
        scope["request_id"] = identifier
        scope["began"] = time.perf_counter()
        current_request.set(identifier)
        visit = _Visit(scope, receive, send, left=self._max_body, answered=self._answered)
        try:
            visit.check_path()
            visit.check_length()
            await self._app(scope, visit.receive, visit.send)
        except Exception as exc:  # noqa: BLE001 - the last resort: a client gets an answer, the log the reason
            await visit.refuse(failure(exc))


class _Visit:
    """One request on its way through."""

    def __init__(self, scope: Scope, receive: Any, send: Any, *, left: int, answered: Answered) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._left = left
        self._answered = answered
        self._started = False

    def check_path(self) -> None:
        """What Postgres can store has no NUL: nothing is named so, and it refuses even to look."""
        if "\0" in self._scope["path"]:
            raise Http404

    def check_length(self) -> None:
        length = header(self._scope, b"content-length")
        if length.isdigit() and int(length) > self._left:
            raise BodyTooLarge(f"the body is larger than {self._left} bytes")

    async def receive(self) -> Any:
        message = await self._receive()
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
            if self._left < 0:
                raise BodyTooLarge("the body is too large")
        return message

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self._started = True
            self._answered(message["status"])
            headers = [*message.get("headers", ()), (b"x-request-id", self._scope["request_id"].encode())]
            if DJANGOS_NOSNIFF not in headers and NOSNIFF not in headers:
                headers.append(NOSNIFF)
            message = {**message, "headers": headers}
        await self._send(message)

    async def refuse(self, found: Failure) -> None:
        """After the start there is nothing left to say: the server then cuts the connection."""
        if self._started:
            return
        body = encode(found.reply(self._scope["request_id"]))
        await respond(self.send, found.status, body, headers=found.headers())


async def respond(send: Any, status: int, body: bytes, *, headers: dict[str, str]) -> None:
    """A whole JSON reply."""
    lines = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    lines += [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": body})
