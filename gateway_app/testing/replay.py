"""A server that answers with recorded exchanges, byte for byte."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
from aiohttp import web

from gateway_app.testing.request_log import Received, RequestLog

_NUMBERED = re.compile(r"exchange-(\d+)")
_AFTER_EVENT = re.compile(r"(?<=\r\n\r\n)|(?<=\n\n)")


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """A request and what came back: `response` (JSON), or `response_sse` (the raw event stream)."""

    model: str
    status: int
    request: dict[str, Any]
    response: dict[str, Any] | None = None
    response_sse: str | None = None
    name: str = ""

    @property
    def error(self) -> bool:
        return self.status >= 400


def read_exchanges(path: Path) -> list[Exchange]:
    """The exchanges of a file with one JSON object a line. Raises `msgspec.ValidationError`, `OSError`."""
    lines = path.read_bytes().splitlines()
    return [msgspec.json.decode(line, type=Exchange) for line in lines if line.strip()]


class ReplayServer:
    """Serves on `url` within `async with`.

    The k-th call gets the k-th exchange; a call to the model `exchange-<n>` gets the n-th, counted from 0.
    A reply that was recorded whole goes out as one event where a stream is asked for. With `piece_bytes` a
    stream is split at every so many bytes instead of after each event.
    """

    def __init__(self, exchanges: Iterable[Exchange], *, piece_bytes: int | None = None) -> None:
        self.exchanges = list(exchanges)
        self.requests = RequestLog()
        self._piece_bytes = piece_bytes
        self._next = 0

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_post("/v1beta/models/{target}", self._answer)
        self._runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.01)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        model, _, method = request.match_info["target"].partition(":")
        headers = {name.lower(): value for name, value in request.headers.items()}
        received = Received(method=method, model=model, path=request.path_qs, headers=headers)
        self.requests.add(received, await request.read())
        exchange = self._exchange(model)
        if exchange is None:
            return web.Response(status=410, text="Every recorded exchange has been answered.")
        if exchange.error or method != "streamGenerateContent":
            body = json.dumps(exchange.response, ensure_ascii=False).encode()
            return web.Response(status=exchange.status, body=body, content_type="application/json")
        return await self._stream(request, exchange)

    def _exchange(self, model: str) -> Exchange | None:
        if numbered := _NUMBERED.fullmatch(model):
            place = int(numbered[1])
        else:
            place = self._next
            self._next += 1
        return self.exchanges[place] if place < len(self.exchanges) else None

    async def _stream(self, request: web.Request, exchange: Exchange) -> web.StreamResponse:
        response = web.StreamResponse(status=exchange.status, headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for piece in self._pieces(exchange):
            await response.write(piece)
        return response

    def _pieces(self, exchange: Exchange) -> list[bytes]:
        raw = exchange.response_sse
        if raw is None:
            raw = f"data: {json.dumps(exchange.response, ensure_ascii=False)}\r\n\r\n"
        if self._piece_bytes is None:
            return [event.encode() for event in _AFTER_EVENT.split(raw) if event]
        data = raw.encode()
        return [data[start : start + self._piece_bytes] for start in range(0, len(data), self._piece_bytes)]
