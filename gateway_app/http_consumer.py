"""A Channels HTTP consumer that can tell when its client leaves."""

from typing import Any

from channels.generic.http import AsyncHttpConsumer

from gateway_app import gateway
from gateway_app.disconnect import read_body, while_connected
from gateway_app.errors import Failure, failure
from gateway_app.gateway import Gateway
from gateway_app.headers import wire_name
from gateway_app.schemas import encode

TOGETHER = 16_384
"""Bytes of pieces that are there at once and go out as one."""


class WatchfulConsumer(AsyncHttpConsumer):
    """Subclasses write `respond(body)`; what it raises before the headers are out becomes an error reply.

    Channels' own loop is blind to `http.disconnect` while it answers, and hops to a thread for every message
    to look after the ORM, which has no place here; so this one is driven by `__call__` alone.
    """

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        self.scope, self.base_send, self.started, self.held = scope, send, False, b""
        body = await read_body(receive)
        if body is not None:
            await while_connected(receive, self._answer(body))

    @property
    def gateway(self) -> Gateway:
        return gateway.of(self.scope)

    async def respond(self, body: bytes) -> None:
        raise NotImplementedError

    def failure(self, exc: Exception) -> Failure:
        """What a client is told; a wire with words of its own overrides this."""
        return failure(exc)

    async def _answer(self, body: bytes) -> None:
        try:
            await self.respond(body)
        except Exception as exc:  # noqa: BLE001 - the table decides what the client is told
            found = self.failure(exc)
            if not self.started:
                headers = {"Content-Type": "application/json", **found.headers()}
                await self.send_start(found.status, headers)
                await self.send_body(encode(found.reply(self.scope["request_id"])))

    async def send_start(self, status: int, headers: dict[str, str]) -> None:
        self.started = True
        lines = [(wire_name(name), value.encode()) for name, value in headers.items()]
        await self.base_send({"type": "http.response.start", "status": status, "headers": lines})

    async def send_body(self, body: bytes, *, more_body: bool = False) -> None:
        await self.base_send({"type": "http.response.body", "body": body, "more_body": more_body})

    async def send_piece(self, piece: bytes, *, more_soon: bool = False) -> None:
        """With what was held back; a short one is itself held back where the next, or the end, is there."""
        self.held += piece
        if self.held and (not more_soon or len(self.held) >= TOGETHER):
            piece, self.held = self.held, b""
            await self.send_body(piece, more_body=True)

    async def send_end(self) -> None:
        await self.send_body(self.held)
