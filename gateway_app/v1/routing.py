"""Which consumer has which address."""

from django.urls import path

from gateway_app.v1.consumers import ChatCompletions, Models

routes = [
    path("v1/chat/completions", ChatCompletions.as_asgi()),
    path("v1/models", Models.as_asgi()),
    path("v1/models/<path:model>", Models.as_asgi()),
]
