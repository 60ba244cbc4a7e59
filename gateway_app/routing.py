"""Streams and sockets."""

from channels.auth import AuthMiddlewareStack
from channels.security.websocket import AllowedHostsOriginValidator
from django.urls import path

from gateway_app.consumers import ChatStream, PromptStream, SummarizeStream
from gateway_app.playground import PlaygroundSocket
from gateway_app.sockets import ChatSocket
from gateway_app.v1 import routing as v1

exact = {
    "/chat/stream": ChatStream.as_asgi(),
    "/summarize/stream": SummarizeStream.as_asgi(),
    **v1.exact,
}

streams = [
    path("prompts/<slug:name>/stream", PromptStream.as_asgi()),
    *v1.routes,
]

sockets = [
    path("ws/chat", ChatSocket.as_asgi()),
    # Only this one knows who is logged in, so only this one must know which page it was opened from.
    path("ws/playground", AllowedHostsOriginValidator(AuthMiddlewareStack(PlaygroundSocket.as_asgi()))),
]
