"""From a body on some wire to a `ChatRequest`: who asks, for what, with which wishes."""

from collections.abc import MutableMapping
from typing import Any

from msgspec import UNSET

from gateway_app.exceptions import InvalidRequest
from gateway_app.headers import header
from gateway_app.requests import CacheControl, Caller, ChatRequest
from gateway_app.schemas import USUAL, Body, ChatFrame, TextBody, VariablesBody
from gateway_app.types import Message

Scope = MutableMapping[str, Any]

SESSION_LENGTH = 256


def ask_text(scope: Scope, body: TextBody, caller: Caller, *, stream: bool) -> ChatRequest:
    """`/chat`: the text as the user's turn."""
    return _ask(scope, body, caller, stream=stream, messages=(Message(role="user", content=body.prompt),))


def ask_summary(scope: Scope, body: TextBody, caller: Caller, *, stream: bool) -> ChatRequest:
    """`/summarize`: the text through the `summarizer` prompt."""
    return _ask(scope, body, caller, stream=stream, prompt_name="summarizer", variables={"text": body.prompt})


def ask_prompt(scope: Scope, body: VariablesBody, caller: Caller, *, stream: bool, name: str) -> ChatRequest:
    """`/prompts/<name>/chat`."""
    return _ask(
        scope,
        body,
        caller,
        stream=stream,
        prompt_name=name,
        prompt_version=body.version,
        variables=body.variables,
    )


def _ask(scope: Scope, body: Body, caller: Caller, *, stream: bool, **what: Any) -> ChatRequest:
    return ChatRequest(
        request_id=scope["request_id"],
        caller=caller,
        surface="chat",
        stream=stream,
        model=body.model,
        parameters=body.parameters(),
        defaults=USUAL,
        user=body.user,
        session_id=session_id(scope),
        cache=CacheControl.parse(header(scope, b"cache-control").decode("latin-1")),
        received=scope.get("began"),
        **what,
    )


def session_id(scope: Scope) -> str | None:
    """The header `X-Session-ID`. Raises `InvalidRequest` where it is too long."""
    value = header(scope, b"x-session-id").decode("latin-1")
    if len(value) > SESSION_LENGTH:
        raise InvalidRequest(f"X-Session-ID is longer than {SESSION_LENGTH} characters", param="X-Session-ID")
    return value or None


def ask_frame(frame: ChatFrame, caller: Caller, *, request_id: str) -> ChatRequest:
    """A `chat` frame of a socket. Raises `InvalidRequest` unless exactly one way to ask is used."""
    ways = [name for name in ("prompt", "messages", "prompt_name") if getattr(frame, name) is not UNSET]
    if len(ways) != 1:
        raise InvalidRequest("give exactly one of prompt, messages and prompt_name", param="prompt")
    messages: tuple[Message, ...] = ()
    if isinstance(frame.prompt, str):
        messages = (Message(role="user", content=frame.prompt),)
    elif isinstance(frame.messages, list):
        messages = tuple(Message(role=turn.role, content=turn.content) for turn in frame.messages)
    return ChatRequest(
        request_id=request_id,
        caller=caller,
        surface="ws",
        stream=True,
        messages=messages,
        prompt_name=frame.prompt_name if isinstance(frame.prompt_name, str) else None,
        prompt_version=frame.version,
        variables=frame.variables,
        model=frame.model,
        parameters=frame.parameters(),
        defaults=USUAL,
        user=frame.user,
        session_id=frame.session_id,
    )
