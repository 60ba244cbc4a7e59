"""The ASGI application: who serves which path, and what lives as long as the process."""

import gc
import os
import sys

gc.disable()  # what is imported is no garbage, and to look through it takes a quarter of the start

import django  # noqa: E402

from gateway_app.metrics import sharing  # noqa: E402

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "llmgateway.settings")
sharing.join()
django.setup(set_prefix=False)

from collections.abc import Mapping, Sequence  # noqa: E402
from typing import Any  # noqa: E402

from channels.routing import URLRouter  # noqa: E402
from django.core.handlers.asgi import ASGIHandler  # noqa: E402
from django.urls import re_path  # noqa: E402

from gateway_app import conf, gateway, routing  # noqa: E402
from gateway_app.door import Door  # noqa: E402
from gateway_app.headers import header  # noqa: E402
from gateway_app.metrics.counted import CountedSockets, answered  # noqa: E402
from gateway_app.metrics.sampling import sampled  # noqa: E402
from llmgateway import celery  # noqa: E402, F401 - the queue into which the admin puts its tasks
from llmgateway.lean_handler import LeanHandler  # noqa: E402

GARBAGE = (10_000, 20, 20)
"""New objects between two collections of the youngest, and how seldom the older ones have a turn."""
PAGES = ("/admin", "/docs", "/schema", "/static")
"""What people look at in a browser: Django's own handler, with its sessions and its whole middleware."""

EXPOSED = (
    *("X-Request-ID", "X-Prompt-Version", "X-Cache", "Retry-After", "Server-Timing", "X-Should-Retry"),
    *(
        f"X-RateLimit-{what}-{of}"
        for what in ("Limit", "Remaining", "Reset")
        for of in ("Requests", "Tokens")
    ),
)


class Application:
    """Routes by path. The API's part knows no sessions, no CSRF and no threads."""

    def __init__(self) -> None:
        settings = conf.gateway()
        self._pages = Door(ASGIHandler(), max_body=settings.max_body_bytes)
        self._sockets = CountedSockets(URLRouter(routing.sockets))
        views: Any = LeanHandler()
        paths = _Paths(routing.exact, URLRouter([*routing.streams, re_path("", views)]))
        self._api = Door(paths, max_body=settings.max_body_bytes, answered=answered)
        self._cors = _with_cors(self._api, settings.cors_allowed_origins)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._sockets(scope, receive, send)
        elif scope["path"] == "/" or scope["path"].startswith(PAGES):
            await self._pages(scope, receive, send)
        elif header(scope, b"origin"):
            await self._cors(scope, receive, send)
        else:
            await self._api(scope, receive, send)

    async def _live(self, scope: Any, receive: Any, send: Any) -> None:
        """The lifespan protocol: the gateway is built in the loop that serves, and finishes its ledger."""
        await receive()
        running = gateway.build()
        await running.start()
        scope["state"]["gateway"] = running
        # What lives as long as the process need not be looked through for garbage again and again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GARBAGE)
        # The loop's own list of asynchronous generators is for those that nobody closes.
        sys.set_asyncgen_hooks(firstiter=None)
        async with sampled(running):
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await running.stop()
        await send({"type": "lifespan.shutdown.complete"})


def _with_cors(app: Any, origins: Sequence[str]) -> Any:
    if not origins:
        return app
    from starlette.middleware.cors import CORSMiddleware  # for whom it is meant: it takes a while

    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=("GET", "POST", "PATCH", "DELETE", "OPTIONS"),
        allow_headers=("*",),
        expose_headers=EXPOSED,
    )


class _Paths:
    """ASGI. A look-up for the addresses that are asked most, patterns for the rest."""

    def __init__(self, exact: Mapping[str, Any], patterns: Any) -> None:
        self._exact, self._patterns = exact, patterns

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        app = self._exact.get(scope["path"])
        if app is None:
            await self._patterns(scope, receive, send)
        else:
            scope["url_route"] = {"args": (), "kwargs": {}}  # as Channels has it
            await app(scope, receive, send)


application = Application()
gc.freeze()
gc.enable()
