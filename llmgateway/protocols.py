"""uvicorn's protocols with the bounds and the patience that they lack.

How long a client may take to ask, how many may be connected, and what a stop waits for.
"""

import resource
from asyncio import TimerHandle, Transport
from typing import Any, ClassVar, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from gateway_app.disconnect import CUT_OFF
from llmgateway.held_head import HeldHead

LAST_WORDS = 0.5
"""Seconds that a stop leaves an idle connection for a request that is already under way to us."""
TALKS_ON = 0.5
"""Seconds that who is told to be late may go on talking.

Bytes that meet a closed socket make the kernel reset the connection, and an answer that lies unread is lost.
"""
CONNECTIONS = 10_000
"""Of one process; fewer where it may not open two files for each."""
SPARE_FILES = 256
NO_HANDSHAKE = (400, b"invalid_request", b"a WebSocket begins with a GET of few short headers and no body")
TOO_LATE = (408, b"request_timeout", b"the request did not come to its end in time")
TOO_MANY = (503, b"too_many_connections", b"this process has as many connections as it can serve")
REASONS = {400: b"Bad Request", 408: b"Request Timeout", 503: b"Service Unavailable"}


def connection_limit() -> int:
    """As many as this process has room for."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(1, min(CONNECTIONS, (files - SPARE_FILES) // 2))


class BoundedHttp(HttpToolsProtocol):
    """A request that is late is answered 408 and cut off, a connection too many is answered 503.

    The rest of a body that is refused comes in slowly, and not for long.

    A request that comes in one piece sets two flags and no timer.
    """

    headers_within: ClassVar[float] = 10.0
    """Seconds from a connection's start, or a request's first byte, to the end of its headers."""
    body_within: ClassVar[float] = 30.0
    """Seconds from there to the end of the body, and one more for each `body_rate` bytes that have come."""
    body_rate: ClassVar[int] = 65_536
    gulp: ClassVar[int] = 512 * 1024
    """Bytes of a body that has its answer already, between two pauses: the client shall notice, and stop."""
    breath: ClassVar[float] = 0.05
    """Seconds of such a pause."""
    lingers: ClassVar[float] = 5.0
    """Seconds for such a body in all: some clients read nothing before they have sent everything."""
    most: ClassVar[int] = connection_limit()
    """Connections of this process."""

    _asking = True
    """A request, or a connection's first one, has not come to its end."""
    _headed = False
    """Its headers have."""
    _leaving = False
    _cut_off = False
    """It has been told that it is late; what it says now is not listened to."""
    _received = 0
    _drained = 0
    _drains_until: float | None = None
    _late: TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if len(self.connections) > self.most:
            self._refuse(TOO_MANY)
        else:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._forget()

    def data_received(self, data: bytes) -> None:
        if self._cut_off:
            return
        super().data_received(data)
        if not self._asking:
            self._forget()
        elif self._late is None and not self.transport.is_closing():
            self._wait()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._asking, self._headed, self._received = True, False, 0
        self._drained, self._drains_until = 0, None

    def on_headers_complete(self) -> None:
        before = self.cycle
        super().on_headers_complete()
        self._headed = True
        self._forget()
        if self.cycle is before:  # a WebSocket's handshake
            return
        if self._leaving:
            self.cycle.keep_alive = False
        if self.parser.get_method() != b"HEAD":  # whose answer is a head alone
            self.cycle.transport = cast(Transport, HeldHead(self.transport))

    def on_body(self, body: bytes) -> None:
        self._received += len(body)
        super().on_body(body)
        if self.cycle.response_complete:
            self._drain(len(body))

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._asking = False

    def handle_websocket_upgrade(self) -> None:
        self._forget()
        super().handle_websocket_upgrade()
        socket: Any = self.transport.get_protocol()
        if not socket.handshake_initiated:  # it has all of it, found something wrong and says nothing
            self._refuse(NO_HANDSHAKE)
        elif self._leaving:
            socket.shutdown()

    def shutdown(self) -> None:
        if self.cycle is not None and not self.cycle.response_complete:
            super().shutdown()
            return
        self._leaving = True
        self.loop.call_later(LAST_WORDS, self._leave)

    def _leave(self) -> None:
        """Nobody has asked anything since, or what was asked has its answer; a socket lives on."""
        if self in self.connections:
            super().shutdown()

    def _drain(self, size: int) -> None:
        """Takes the rest of a body that nobody wants any more, slowly and not for ever."""
        if self._drains_until is None:
            self._drains_until = self.loop.time() + self.lingers
        self._drained += size
        if self.loop.time() > self._drains_until:
            self.transport.close()
        elif self._drained >= self.gulp and not self.flow.read_paused:
            self._drained = 0
            self.flow.pause_reading()
            self.loop.call_later(self.breath, self._go_on)

    def _go_on(self) -> None:
        if not self.transport.is_closing():
            self.flow.resume_reading()

    def _wait(self) -> None:
        if self._headed:
            self._late = self.loop.call_later(self.body_within, self._body_late, self.loop.time())
        else:
            self._late = self.loop.call_later(self.headers_within, self._headers_late)

    def _headers_late(self) -> None:
        if self.cycle is not None and not self.cycle.response_complete:  # the answer before has the word
            self._wait()
        else:
            self._cut()

    def _body_late(self, began: float) -> None:
        left = began + self.body_within + self._received / self.body_rate - self.loop.time()
        if left > 0:
            self._late = self.loop.call_later(left, self._body_late, began)
        elif self.cycle.response_started or self.pipeline:
            self.transport.close()
        else:
            self._cut()

    def _cut(self) -> None:
        if self.transport.is_closing():
            return
        self._cut_off = True
        if self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.write(_refusal(*TOO_LATE))
        self.transport.write_eof()
        self._late = self.loop.call_later(TALKS_ON, self.transport.close)

    def _refuse(self, why: tuple[int, bytes, bytes]) -> None:
        if not self.transport.is_closing():
            self.transport.write(_refusal(*why))
            self.transport.close()

    def _forget(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None


class PatientSocket(WebSocketsSansIOProtocol):
    """A stop asks the application to come to an end; the application may cut off who takes nothing."""

    async def run_asgi(self) -> None:
        extensions: Any = self.scope["extensions"]
        extensions[CUT_OFF] = {"now": self.transport.abort}
        await super().run_asgi()

    def shutdown(self) -> None:
        """Not the end yet: `websocket.drain` lets the application finish what runs, handshakes too."""
        if self.close_sent:
            super().shutdown()
        else:
            drain: Any = {"type": "websocket.drain"}
            self.queue.put_nowait(drain)


def _refusal(status: int, code: bytes, message: bytes) -> bytes:
    """In the form of every error, for when there is no application to ask."""
    body = (
        b'{"error":{"message":"%b","type":"invalid_request_error","code":"%b","param":null},"request_id":null}'
        % (message, code)
    )
    head = b"HTTP/1.1 %d %b\r\ncontent-type: application/json\r\n" % (status, REASONS[status])
    return head + b"content-length: %d\r\nconnection: close\r\n\r\n" % len(body) + body
