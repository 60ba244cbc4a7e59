"""A vendor's HTTP endpoint: JSON out, JSON or server-sent events in, over one shared session."""

import io
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import aiohttp
import msgspec
from msgspec.structs import replace

from gateway_app.exceptions import GatewayError, ProviderBadReply
from gateway_app.providers.sse import EventParser, ServerSentEvent
from gateway_app.providers.vendor_errors import error_reply

CONNECT_SECONDS = 10.0
"""For one connection; how long a reply may take is the caller's to say."""
IDLE_SECONDS = 55.0
"""A connection is kept for the next call; vendors' front doors close theirs after a minute of silence."""
LARGE = 1024 * 1024
"""Bytes from which on aiohttp wants a body as a file."""
MAX_REPLY_BYTES = 64 * 1024 * 1024
KEY_HEADERS = ("Authorization", "x-api-key", "x-goog-api-key")
HIDDEN = b"[key]"
ERROR = b'"error"'
"""In the JSON of every error; what a model says never looks so, for quotes within strings are escaped."""

ErrorReply = Callable[..., GatewayError]
"""`(status, body, headers, *, now)`: what a reply with another status than 200 means."""


class Wire:
    """Raises our exceptions for what the vendor says, and the client's own for what happens on the way."""

    def __init__(
        self, base_url: str, *, headers: Mapping[str, str], error_reply: ErrorReply = error_reply
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._headers = dict(headers)
        keys = (headers[name].removeprefix("Bearer ") for name in KEY_HEADERS if name in headers)
        self._key = next(keys, "").encode()
        self._error_reply = error_reply
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE_SECONDS),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=self._headers,
        )

    async def close(self) -> None:
        if self._session:
            await self._session.close()

    async def reply(self, path: str, body: Mapping[str, Any]) -> bytes:
        """The whole body of the answer."""
        async with self._posted(path, body) as response:
            said = await _whole(response)
            return self._hidden(said) if ERROR in said else said

    async def events(self, path: str, body: Mapping[str, Any]) -> AsyncGenerator[ServerSentEvent, None]:
        """The answer's events as they come; closing the iterator closes the connection."""
        parser = EventParser()
        async with self._posted(path, body) as response:
            while piece := await response.content.readany():
                for event in parser.feed(piece):
                    yield replace(event, data=self._hidden(event.data)) if ERROR in event.data else event

    def _hidden(self, said: bytes) -> bytes:
        """An error that repeats what the vendor was sent is told on; the key is not."""
        return said.replace(self._key, HIDDEN) if self._key else said

    @asynccontextmanager
    async def _posted(self, path: str, body: Mapping[str, Any]) -> AsyncIterator[aiohttp.ClientResponse]:
        assert self._session is not None, "open() first"
        sent = msgspec.json.encode(body)
        async with self._session.post(
            self._base_url + path,
            data=sent if len(sent) < LARGE else io.BytesIO(sent),
            headers={"Content-Type": "application/json"},
            # The key must not follow to wherever a redirect points.
            allow_redirects=False,
        ) as response:
            if response.status != 200:
                said = self._hidden(await _whole(response))
                raise self._error_reply(response.status, said, response.headers, now=datetime.now(UTC))
            yield response


async def _whole(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > MAX_REPLY_BYTES:
            raise ProviderBadReply(f"the vendor's reply is larger than {MAX_REPLY_BYTES} bytes")
    return bytes(body)
