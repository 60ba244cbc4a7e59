"""What the instruments are told at the server's edge, calls or not."""

from functools import cache
from typing import Any

from gateway_app.metrics import instruments
from gateway_app.metrics.tally import tally

_responses = cache(instruments.RESPONSES.labels)


def answered(status: int) -> None:
    """An HTTP request was."""
    tally.add(_responses(status))


class CountedSockets:
    """ASGI. Counts the sockets that are connected."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        with instruments.SOCKETS_OPEN.track_inprogress():
            await self._app(scope, receive, send)
