"""From OpenAI's request to ours."""

from collections.abc import Mapping, MutableMapping
from types import MappingProxyType
from typing import Any

from gateway_app.asking import SESSION_LENGTH, session_id
from gateway_app.headers import header
from gateway_app.requests import CacheControl, Caller, ChatRequest
from gateway_app.types import Image
from gateway_app.v1.exceptions import BadParameter
from gateway_app.v1.messages import messages
from gateway_app.v1.names import PromptName, prompt_name
from gateway_app.v1.parameters import parameters
from gateway_app.v1.schemas import ChatCompletionRequest


def ask(
    scope: MutableMapping[str, Any],
    body: ChatCompletionRequest,
    caller: Caller,
    images: Mapping[str, Image] = MappingProxyType({}),
) -> ChatRequest:
    """`images`: those that were fetched, by address.

    Raises `BadParameter`, or `ModelNotFound` for a `model` that names nothing.
    """
    prompt = prompt_name(body.model)
    if prompt is None:
        _check_plain(body)
    return ChatRequest(
        request_id=scope["request_id"],
        caller=caller,
        surface="v1",
        stream=bool(body.stream),
        messages=messages(body.messages, images),
        prompt_name=prompt.name if prompt else None,
        prompt_version=_version(prompt, body) if prompt else None,
        variables=body.variables,
        model=None if prompt else body.model,
        parameters=parameters(body),
        session_id=session_id(scope) or _session(body),
        user=body.user or body.safety_identifier,
        cache=CacheControl.parse(header(scope, b"cache-control").decode("latin-1")),
        received=scope.get("began"),
    )


def _check_plain(body: ChatCompletionRequest) -> None:
    if not body.messages:
        raise BadParameter(
            "Invalid 'messages': empty array. Expected at least one message.",
            param="messages",
            code="empty_array",
        )
    for name in ("variables", "version"):
        if getattr(body, name):
            raise BadParameter(f"'{name}' is for prompts: model 'prompt:<name>'.", param=name)


def _version(prompt: PromptName, body: ChatCompletionRequest) -> str | None:
    if prompt.version and body.version and prompt.version != body.version:
        raise BadParameter("'version' is not the version that 'model' names.", param="version")
    return prompt.version or body.version


def _session(body: ChatCompletionRequest) -> str | None:
    session = (body.metadata or {}).get("session_id")
    if session and len(session) > SESSION_LENGTH:
        raise BadParameter(f"A session id has at most {SESSION_LENGTH} characters.", param="metadata")
    return session or None
