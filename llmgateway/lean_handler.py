"""Django's views without Django's request cycle: no middleware, no signals, no thread for an async view.

Django's own handler costs 1.1 to 1.3 ms of CPU a request, nearly all of it in hops to threads.
"""

from io import BytesIO
from typing import Any

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.db import connections
from django.http import HttpResponse, HttpResponseBase
from django.urls import resolve

from gateway_app.disconnect import read_body, while_connected
from gateway_app.door import respond
from gateway_app.errors import failure
from gateway_app.schemas import encode


class LeanHandler(ASGIHandler):
    """ASGI. Serves the URL table's API part; errors that no view shaped come from the one error table."""

    def __init__(self) -> None:
        """Without `ASGIHandler`'s, which loads the middleware."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = await read_body(receive)
        if body is not None:
            await while_connected(receive, self._answer(scope, body, send))

    async def _answer(self, scope: Any, body: bytes, send: Any) -> None:
        try:
            response = await self._view(ASGIRequest(scope, BytesIO(body)))
        except Exception as exc:  # noqa: BLE001 - the table decides what the client is told
            found = failure(exc)
            await respond(
                send, found.status, encode(found.reply(scope["request_id"])), headers=found.headers()
            )
        else:
            if isinstance(response, HttpResponse):
                response.headers.setdefault("Content-Length", str(len(response.content)))
            await self.send_response(response, send)

    async def _view(self, request: ASGIRequest) -> HttpResponseBase:
        """Raises `Http404` for an address that nobody has, and what the view raises."""
        match = resolve(request.path_info)
        request.resolver_match = match
        if iscoroutinefunction(match.func):
            response: HttpResponseBase = await match.func(request, *match.args, **match.kwargs)
            return response
        return await sync_to_async(_in_thread, thread_sensitive=False)(match, request)


def _in_thread(match: Any, request: ASGIRequest) -> HttpResponseBase:
    """A view that may use the ORM: nobody else gives its connections back to the pool."""
    try:
        response: HttpResponseBase = match.func(request, *match.args, **match.kwargs)
        if callable(render := getattr(response, "render", None)):
            render()
        return response
    finally:
        connections.close_all()
