"""What was said in a call, as far as it may be kept."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec.structs import replace

from gateway_app.masking import Masks, mask
from gateway_app.types import Image, Message, ToolCall

BOUND = 100_000
"""Characters of a call's messages, and again of its reply, that are kept."""
CUT = re.compile(r"… \[cut: \d+ characters in all\]$")
LONGEST_SECRET = 1_000
"""Characters beyond the bound that are looked at, so that no secret is cut in two and missed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentPolicy:
    """What a project wants."""

    percent: int = 0
    """Of how many calls the content is kept."""
    days: int = 30
    """And for how long."""


class Content(msgspec.Struct, frozen=True, kw_only=True):
    messages: tuple[Message, ...]
    reply: str | None
    """None: there was none, or not a whole one."""
    tool_calls: tuple[ToolCall, ...]
    days: int
    variables: Mapping[str, Any] | None = None
    """What the prompt was filled with; None where there was no prompt, and kept up to `BOUND` characters."""


def masked(content: Content, masks: Masks) -> Content:
    """Fit to be kept: masked, cut to `BOUND`, images without their data."""
    left, messages = BOUND, []
    for message in content.messages:
        messages.append(_message(message, masks, left=left))
        left = max(0, left - len(message.content))
    return replace(
        content,
        messages=tuple(messages),
        reply=None if content.reply is None else _text(content.reply, masks, left=BOUND),
        tool_calls=_tool_calls(content.tool_calls, masks),
        variables=_variables(content.variables, masks),
    )


def is_cut(text: str) -> bool:
    """Whether a kept text is only the beginning of what was said."""
    return bool(CUT.search(text))


def _variables(variables: Mapping[str, Any] | None, masks: Masks) -> Mapping[str, Any] | None:
    """All or nothing: a part of them would be another question."""
    if variables is None or len(msgspec.json.encode(variables)) > BOUND:
        return None
    return {name: _value(value, masks) for name, value in variables.items()}


def _value(value: Any, masks: Masks) -> Any:
    """All texts within a JSON value."""
    if isinstance(value, str):
        return mask(value, masks)
    if isinstance(value, Mapping):
        return {name: _value(item, masks) for name, item in value.items()}
    return [_value(item, masks) for item in value] if isinstance(value, list | tuple) else value


def _message(message: Message, masks: Masks, *, left: int) -> Message:
    return replace(
        message,
        content=_text(message.content, masks, left=left),
        images=tuple(Image(media_type=image.media_type, data="") for image in message.images),
        tool_calls=_tool_calls(message.tool_calls, masks),
    )


def _tool_calls(calls: tuple[ToolCall, ...], masks: Masks) -> tuple[ToolCall, ...]:
    return tuple(
        replace(call, arguments=_text(call.arguments, masks, left=BOUND), signature=None) for call in calls
    )


def _text(text: str, masks: Masks, *, left: int) -> str:
    if len(text) <= left:
        return mask(text, masks)
    return mask(text[: left + LONGEST_SECRET], masks)[:left] + f"… [cut: {len(text)} characters in all]"
