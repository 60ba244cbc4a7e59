"""A checked caller: asks through one of the gateway's doors, and says exactly what it was told."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import aiohttp

Door = Literal["rest", "sse", "v1", "v1_stream", "ws"]
DOORS: tuple[Door, ...] = ("rest", "sse", "v1", "v1_stream", "ws")
STREAMS: tuple[Door, ...] = ("sse", "v1_stream", "ws")
MODEL = "gemini-2.0-flash"
"""It has no fallback, so that what a vendor does wrong is what a caller is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    text: str
    door: Door = "rest"
    key: str
    request_id: str = ""
    """Sockets mint one for themselves."""
    fresh: bool = False
    """Never from the cache."""
    stay: int | None = None
    """Leaves after so many pieces of text; None stays to the end."""


@dataclass(slots=True, kw_only=True)
class Told:
    """What a caller saw. Times in seconds since it asked."""

    ask: Ask
    status: int = 0
    """0: nobody answered."""
    code: str | None = None
    """Of an error, in the reply or in the stream."""
    text: str = ""
    pieces: int = 0
    first: float | None = None
    took: float = 0.0
    ended: bool = False
    """The reply said that it is whole."""
    broken: str | None = None
    """How the connection failed."""
    cache: str | None = None
    version: str | None = None
    retry_after: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return self.status == 200 and self.ended and self.code is None

    @property
    def falsely_whole(self) -> bool:
        """It claims to be whole and tells of a failure."""
        return self.ended and self.code is not None

    def __str__(self) -> str:
        said = self.code or self.broken or ("whole" if self.ended else "no end")
        return f"{self.ask.door} {self.ask.request_id}: {self.status} {said} after {self.took:.2f} s"


class Driver:
    """Callers of the gateway at `url`, each with as many connections as it needs."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url = url
        self._session = session

    async def ask(self, ask: Ask, *, timeout: float = 60.0) -> Told:
        """Never raises for what the gateway does; cancelling it hangs up."""
        told = Told(ask=ask)
        began = time.perf_counter()
        try:
            async with asyncio.timeout(timeout):
                await (self._socket if ask.door == "ws" else self._http)(ask, told, began)
        except (aiohttp.ClientError, ConnectionError, ValueError) as exc:
            told.broken = f"{type(exc).__name__}: {exc}"[:160]
        except TimeoutError:
            told.broken = f"nothing within {timeout:g} s"
        told.took = time.perf_counter() - began
        return told

    async def _http(self, ask: Ask, told: Told, began: float) -> None:
        path, body = _request(ask)
        async with self._session.post(f"{self._url}{path}", json=body, headers=_headers(ask)) as reply:
            told.status, told.headers = reply.status, dict(reply.headers)
            told.cache, told.version = reply.headers.get("X-Cache"), reply.headers.get("X-Prompt-Version")
            told.retry_after = reply.headers.get("Retry-After")
            if reply.content_type == "text/event-stream":
                await self._events(ask, told, reply, began)
                return
            said = json.loads(await reply.read())
            told.first = time.perf_counter() - began
        if "error" in said:
            told.code = said["error"]["code"]
        elif told.status == 200:
            told.text = said["response"] if ask.door == "rest" else said["choices"][0]["message"]["content"]
            told.pieces, told.ended = 1, True

    async def _events(self, ask: Ask, told: Told, reply: aiohttp.ClientResponse, began: float) -> None:
        name = ""
        async for raw in reply.content:
            line = raw.decode().strip()
            if line.startswith("event: "):
                name = line[7:]
            elif line == "data: [DONE]":
                told.ended = True
            elif line.startswith("data: "):
                _heard(told, name, json.loads(line[6:]), began)
            if ask.stay is not None and told.pieces >= ask.stay:
                return

    async def _socket(self, ask: Ask, told: Told, began: float) -> None:
        headers = {"Authorization": f"Bearer {ask.key}"}
        async with self._session.ws_connect(
            f"{self._url}/ws/chat",
            headers=headers,
            max_msg_size=0,
            timeout=aiohttp.ClientWSTimeout(ws_close=2),
        ) as socket:
            told.status = 200
            await socket.send_json({"type": "chat", "id": "1", "prompt": ask.text, "model": MODEL})
            async for message in socket:
                if message.type is not aiohttp.WSMsgType.TEXT:
                    break
                frame = json.loads(message.data)
                _heard(told, frame["type"], {"error": frame} if frame["type"] == "error" else frame, began)
                if told.ended or told.code or (ask.stay is not None and told.pieces >= ask.stay):
                    return
            told.broken = f"closed with {socket.close_code}"


def _heard(told: Told, name: str, data: dict[str, Any], began: float) -> None:
    """One event of any stream."""
    if "error" in data:
        told.code = data["error"]["code"]
        return
    if name == "end":
        told.ended = True
    if name == "start":
        told.version = data.get("prompt_version")
        told.cache = told.cache or ("HIT" if data.get("cache_hit") else "MISS")
    text = data.get("text")
    if text is None and data.get("choices"):
        text = data["choices"][0]["delta"].get("content")
    if text:
        told.first = told.first or time.perf_counter() - began
        told.text += text
        told.pieces += 1


def _request(ask: Ask) -> tuple[str, dict[str, Any]]:
    if ask.door in ("rest", "sse"):
        return ("/chat" if ask.door == "rest" else "/chat/stream"), {"prompt": ask.text, "model": MODEL}
    messages = [{"role": "user", "content": ask.text}]
    return "/v1/chat/completions", {"model": MODEL, "messages": messages, "stream": ask.door == "v1_stream"}


def _headers(ask: Ask) -> dict[str, str]:
    headers = {"Authorization": f"Bearer {ask.key}", "Accept": "text/event-stream, */*"}
    if ask.request_id:
        headers["X-Request-ID"] = ask.request_id
    if ask.fresh:
        headers["Cache-Control"] = "no-cache"
    return headers


@asynccontextmanager
async def driving(url: str, *, reuse: bool = True) -> AsyncIterator[Driver]:
    """`reuse`: connections are kept between calls, as most clients do."""
    connector = aiohttp.TCPConnector(limit=0, force_close=not reuse)
    async with aiohttp.ClientSession(
        connector=connector, timeout=aiohttp.ClientTimeout(total=None), read_bufsize=2**20
    ) as session:
        yield Driver(url, session)
