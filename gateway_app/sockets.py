"""`WS /ws/chat`: many chats on one socket, each a task of its own."""

import asyncio
import contextlib
from contextlib import aclosing
from typing import Any

from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer

from gateway_app import asking, gateway
from gateway_app.disconnect import CUT_OFF
from gateway_app.errors import failure
from gateway_app.events import Delta, End, Start
from gateway_app.exceptions import InvalidRequest, Unauthenticated, Unavailable
from gateway_app.gateway import Gateway
from gateway_app.headers import authorization
from gateway_app.ids import current_request, uuid7_text
from gateway_app.requests import Caller, ChatRequest
from gateway_app.schemas import AuthFrame, CancelFrame, Frame, encode, parse
from gateway_app.shapes import end_event, start_event

CHATS = 32
"""On one socket at the same time."""
SUBPROTOCOL = "bearer."
IDLE = 600.0
"""Seconds without a frame or a chat, after which the socket is closed."""
KEY_WITHIN = 10.0
"""Seconds that a socket may stay open without a key."""
TICK = 0.5
"""Seconds between two looks at whether a socket should still be open."""
LAST_WORDS = 0.5
"""Seconds after the server is asked to stop in which a frame that is under way to it still counts."""
DRAIN = 15.0
"""Seconds that running chats get from then on; below the server's own patience."""
FAREWELL = 1.0
"""Seconds that who is turned out gets to take what is still under way to it, and to be told why."""
RESTARTING = 1012
UNAUTHENTICATED = 4401
IDLE_CLOSED = 4408


class ClientGone(Exception):
    """There is nobody to say it to any more."""


class ChatSocket(AsyncWebsocketConsumer):
    """Frames in: `auth`, `chat`, `cancel`. Out, each with the chat's `id`: `start`, `delta`, `end`, `error`.

    A client that reads slowly is waited for while it may stay, and meanwhile each of its `CHATS` chats is at
    most `flights.AHEAD` characters ahead of it, unless others read the same reply faster.
    """

    frames: Any = Frame
    """What may come in."""

    def __init__(self) -> None:
        super().__init__()
        self.chats: dict[str, asyncio.Task[None]] = {}
        self.authorization: str | None = None
        """What the caller gave; looked at in each tick, so that a revoked key ends here too."""
        self._unknown = ""
        """Why a caller without a key is not served, and what to do."""
        self._opened = self._stirred = 0.0
        """On the loop's clock."""
        self._tick: asyncio.TimerHandle | None = None
        self._stopping: asyncio.TimerHandle | None = None
        self._draining = self._closed = False

    @property
    def gateway(self) -> Gateway:
        return gateway.of(self.scope)

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Channels' own hops to a thread for each message, to look after the ORM, which has no place here."""
        await getattr(self, message["type"].replace(".", "_"))(message)

    async def connect(self) -> None:
        offered = next((name for name in self.scope["subprotocols"] if name.startswith(SUBPROTOCOL)), None)
        given = f"Bearer {offered.removeprefix(SUBPROTOCOL)}" if offered else authorization(self.scope)
        await self.accept(offered)
        self.watch()
        try:
            with contextlib.suppress(Unavailable):  # each chat is told; each tick looks at the key again
                self.gateway.authenticate(given, self.scope)
            self.authorization = given
        except Unauthenticated as exc:
            self._unknown = f"{exc}, the subprotocol bearer.gw_…, or an auth frame"
            if given:
                await self._turn_out(exc)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        identifier = None
        self._stir()
        try:
            if text_data is None:
                raise InvalidRequest("frames are JSON text")
            frame = parse(text_data, self.frames)
            identifier = getattr(frame, "id", None)
            await self._obey(frame)
        except Exception as exc:  # noqa: BLE001 - the table decides what the client is told
            await self._refuse(identifier, exc)

    async def ask(self, frame: Any, caller: Caller, *, request_id: str) -> ChatRequest:
        return asking.ask_frame(frame, caller, request_id=request_id)

    def identify(self) -> Caller:
        """Who asks now. Raises `Unauthenticated` or `Unavailable`."""
        if self.authorization is None:
            raise Unauthenticated(self._unknown)
        return self.gateway.authenticate(self.authorization, self.scope)

    def check(self) -> None:
        """Raises `Unauthenticated` for whoever may stay no longer."""
        if self.authorization is not None:
            with contextlib.suppress(Unavailable):
                self.gateway.authenticate(self.authorization, self.scope)
        elif asyncio.get_running_loop().time() - self._opened > KEY_WITHIN:
            raise Unauthenticated(f"no API key came within {KEY_WITHIN:g} s")

    async def _obey(self, frame: Any) -> None:
        if isinstance(frame, AuthFrame):
            given = f"Bearer {frame.key}"
            self.gateway.authenticate(given, self.scope)
            self.authorization = given
        elif isinstance(frame, CancelFrame):
            if task := self.chats.get(frame.id):
                task.cancel()
        else:
            self._begin(frame)

    def _begin(self, frame: Any) -> None:
        if self._draining:
            raise Unavailable("this server is about to stop: connect again")
        caller = self.identify()
        caller.require("chat")
        if frame.id in self.chats:
            raise InvalidRequest(f"a chat {frame.id} is under way", param="id")
        if len(self.chats) >= CHATS:
            raise InvalidRequest(f"{CHATS} chats are under way on this socket", param="id")
        task = asyncio.create_task(self._chat(frame, caller))
        self.chats[frame.id] = task
        task.add_done_callback(lambda _: self._over(frame.id))

    def _over(self, identifier: str) -> None:
        self.chats.pop(identifier, None)
        self._stir()
        if self._draining and not self.chats:
            self._close_soon(RESTARTING)

    def _stir(self) -> None:
        """The socket is in use: the time until it is closed as idle begins anew."""
        self._stirred = asyncio.get_running_loop().time()

    def watch(self) -> None:
        """From now on it is closed once it is idle, or its key no longer good."""
        self._opened = self._stirred = asyncio.get_running_loop().time()
        self._look()

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            self.check()
        except Unauthenticated as exc:
            self._closing = loop.create_task(self._turn_out(exc))
            return
        if not self.chats and loop.time() - self._stirred > IDLE:
            self._close_soon(IDLE_CLOSED)
            return
        self._tick = loop.call_later(TICK, self._look)

    async def _turn_out(self, exc: Unauthenticated) -> None:
        for task in self.chats.values():
            task.cancel()
        await self._shut(UNAUTHENTICATED, why=exc, within=FAREWELL)

    def _close_soon(self, code: int, *, within: float | None = None) -> None:
        self._closing = asyncio.create_task(self._shut(code, within=within))

    async def _shut(self, code: int, *, why: Exception | None = None, within: float | None = None) -> None:
        """After what is under way; who has not taken that `within` seconds is cut off."""
        if self._closed:
            return
        try:
            async with asyncio.timeout(within):
                if why:
                    await self._refuse(None, why)
                self._closed = True
                await self.close(code)
        except TimeoutError:
            if cut_off := self.scope.get("extensions", {}).get(CUT_OFF):
                cut_off["now"]()
        except OSError:
            pass  # closed already, by the other side

    async def websocket_drain(self, message: dict[str, Any]) -> None:
        """The server is about to stop: what runs may end, then the client is told to connect elsewhere."""
        self._stopping = asyncio.get_running_loop().call_later(LAST_WORDS, self._retire)

    def _retire(self) -> None:
        self._draining = True
        if self.chats:
            self._stopping = asyncio.get_running_loop().call_later(DRAIN, self._close_soon, RESTARTING)
        else:
            self._close_soon(RESTARTING)

    async def _chat(self, frame: Any, caller: Caller) -> None:
        request_id = uuid7_text()
        current_request.set(request_id)
        try:
            request = await self.ask(frame, caller, request_id=request_id)
            async with aclosing(self.gateway.service.stream(request)) as events:
                await self._pass_on(frame.id, events)
        except asyncio.CancelledError:
            raise
        except ClientGone:
            return
        except Exception as exc:  # noqa: BLE001
            await self._refuse(frame.id, exc, request_id=request_id)

    async def _pass_on(self, identifier: str, events: Any) -> None:
        start: Start | None = None
        async for event in events:
            if isinstance(event, Delta):
                if event.text:
                    await self._say({"type": "delta", "id": identifier, "text": event.text})
            elif isinstance(event, Start):
                start = event
                await self._say({"type": "start", "id": identifier, **_fields(start_event(event))})
            elif isinstance(event, End):
                assert start is not None
                await self._say({"type": "end", "id": identifier, **_fields(end_event(start, event))})

    async def _refuse(self, identifier: str | None, exc: Exception, *, request_id: str | None = None) -> None:
        found = failure(exc)
        frame = {"type": "error", "id": identifier, "code": found.code, "message": found.message}
        with contextlib.suppress(ClientGone):
            await self._say({**frame, "param": found.param, "request_id": request_id})

    async def _say(self, frame: dict[str, Any]) -> None:
        if self._closed:
            raise ClientGone
        try:
            await self.send(text_data=encode(frame).decode())
        except OSError as exc:  # as ASGI has it
            raise ClientGone from exc

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:
        for timer in filter(None, (self._tick, self._stopping)):
            timer.cancel()
        tasks = list(self.chats.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        raise StopConsumer


def _fields(struct: Any) -> dict[str, Any]:
    return {name: getattr(struct, name) for name in struct.__struct_fields__}
