"""Streams and sockets."""

from channels.auth import AuthMiddlewareStack
from channels.security.websocket import AllowedHostsOriginValidator
from django.urls import path

from gateway_app.consumers import ChatStream, PromptStream, SummarizeStream
from gateway_app.playground import PlaygroundSocket
from gateway_app.sockets import ChatSocket
from gateway_app.v1 import routing as v1

streams = [
    path("chat/stream", ChatStream.as_asgi()),
    path("summarize/stream", SummarizeStream.as_asgi()),
    path("prompts/<slug:name>/stream", PromptStream.as_asgi()),
    *v1.routes,
]

exact = {f"/{route.pattern}": route.callback for route in streams if "<" not in str(route.pattern)}
"""Those of the streams that need no matching."""

sockets = [
    path("ws/chat", ChatSocket.as_asgi()),
    # Only this one knows who is logged in, so only this one must know which page it was opened from.
    path("ws/playground", AllowedHostsOriginValidator(AuthMiddlewareStack(PlaygroundSocket.as_asgi()))),
]
