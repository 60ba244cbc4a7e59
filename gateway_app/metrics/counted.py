"""What the instruments are told at the server's edge, calls or not."""

from functools import cache
from typing import Any

from gateway_app.metrics import instruments

_responses = cache(instruments.RESPONSES.labels)


class Counted:
    """ASGI. Counts responses by status, and the sockets that are connected."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            with instruments.SOCKETS_OPEN.track_inprogress():
                await self._app(scope, receive, send)
            return

        async def counting(message: Any) -> None:
            if message["type"] == "http.response.start":
                _responses(message["status"]).inc()
            await send(message)

        await self._app(scope, receive, counting)
