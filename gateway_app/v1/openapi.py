"""OpenAI's addresses in our OpenAPI document."""

from collections.abc import Callable
from typing import Any

from gateway_app.sse import EVENT
from gateway_app.v1.replies import ChatCompletion, ChatCompletionChunk, ModelEntry, ModelList
from gateway_app.v1.schemas import ChatCompletionRequest

STRUCTS = (ChatCompletionRequest, ChatCompletion, ChatCompletionChunk, ModelEntry, ModelList)

DESCRIPTION = (
    "OpenAI's own wire: their clients need nothing but this base URL. With `stream` it is a series of "
    "`data: ` events, each a ChatCompletionChunk, and then `data: [DONE]`; a stream that fails ends with an "
    "ErrorReply instead."
)

Ref = Callable[[type], dict[str, str]]


def paths(*, ref: Ref, failures: dict[str, Any]) -> dict[str, Any]:
    """`ref` points to a struct's component; `failures` are the responses that every call can have."""
    chat = {
        **_operation("v1_chat_completions", "Answers a conversation, whole or as a stream"),
        "description": DESCRIPTION,
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": ref(ChatCompletionRequest)}},
        },
        "responses": {
            "200": {
                "description": "The reply",
                "content": {
                    "application/json": {"schema": ref(ChatCompletion)},
                    "text/event-stream": {"schema": EVENT},
                },
            },
            **failures,
        },
    }
    model = {"name": "model", "in": "path", "required": True, "schema": {"type": "string"}}
    return {
        "/v1/chat/completions": {"post": chat},
        "/v1/models": {"get": _look_up("v1_models", "Lists models and prompts", ref(ModelList), failures)},
        "/v1/models/{model}": {
            "get": _look_up("v1_model", "Says whether there is such a model", ref(ModelEntry), failures)
            | {"parameters": [model]}
        },
    }


def _operation(identifier: str, summary: str) -> dict[str, Any]:
    return {"operationId": identifier, "summary": summary, "tags": ["v1"], "security": [{"apiKey": []}]}


def _look_up(
    identifier: str, summary: str, schema: dict[str, str], failures: dict[str, Any]
) -> dict[str, Any]:
    found = {"description": "Found", "content": {"application/json": {"schema": schema}}}
    possible = {status: failures[status] for status in ("401", "403", "404", "503")}
    return _operation(identifier, summary) | {"responses": {"200": found, **possible}}
