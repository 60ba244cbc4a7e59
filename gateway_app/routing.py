"""Streams and sockets."""

from django.urls import path

from gateway_app.consumers import ChatStream, PromptStream, SummarizeStream
from gateway_app.sockets import ChatSocket

streams = [
    path("chat/stream", ChatStream.as_asgi()),
    path("summarize/stream", SummarizeStream.as_asgi()),
    path("prompts/<slug:name>/stream", PromptStream.as_asgi()),
]

sockets = [path("ws/chat", ChatSocket.as_asgi())]
