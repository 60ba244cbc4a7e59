"""What was said in a call, as far as it may be kept."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from gateway_app.masking import Masks, mask
from gateway_app.types import Image, Message, ToolCall

BOUND = 100_000
"""Characters of a call's messages, and again of its reply, that are kept, tool calls included."""
CUT = re.compile(r"… \[cut: \d+ characters in all\]$")
AROUND = 50
"""Characters that a tool call or an image takes besides what it says; there can be very many of them."""
LONGEST_SECRET = 1_000
"""Characters beyond the bound that are looked at, so that no secret is cut in two and missed."""

Item = TypeVar("Item")


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
    asked, answered = _Room(masks), _Room(masks)
    return replace(
        content,
        messages=tuple(map(asked.message, content.messages)),
        reply=None if content.reply is None else answered.text(content.reply),
        tool_calls=answered.tool_calls(content.tool_calls),
        variables=_variables(content.variables, masks),
    )


def is_cut(text: str) -> bool:
    """Whether a kept text is only the beginning of what was said."""
    return bool(CUT.search(text))


def _variables(variables: Mapping[str, Any] | None, masks: Masks) -> Mapping[str, Any] | None:
    """All or nothing: a part of them would be another question."""
    if variables is None or len(msgspec.json.encode(variables)) > BOUND:
        return None
    kept: Mapping[str, Any] = _value(variables, masks)
    return kept


def _value(value: Any, masks: Masks) -> Any:
    """All texts within a JSON value, names too: a secret may be one."""
    if isinstance(value, str):
        return mask(value, masks)
    if isinstance(value, Mapping):
        return {mask(name, masks): _value(item, masks) for name, item in value.items()}
    return [_value(item, masks) for item in value] if isinstance(value, list | tuple) else value


class _Room:
    """What is left of `BOUND`, and what is put there, masked."""

    def __init__(self, masks: Masks) -> None:
        self._masks = masks
        self._left = BOUND

    def message(self, message: Message) -> Message:
        return replace(
            message,
            content=self.text(message.content),
            name=message.name and self.text(message.name),
            tool_call_id=message.tool_call_id and self.text(message.tool_call_id),
            images=tuple(
                Image(media_type=self.text(image.media_type), data="") for image in self._some(message.images)
            ),
            tool_calls=self.tool_calls(message.tool_calls),
        )

    def tool_calls(self, calls: tuple[ToolCall, ...]) -> tuple[ToolCall, ...]:
        return tuple(
            ToolCall(id=self.text(call.id), name=self.text(call.name), arguments=self.text(call.arguments))
            for call in self._some(calls)
        )

    def text(self, text: str) -> str:
        left, self._left = self._left, max(0, self._left - len(text))
        if len(text) <= left:
            return mask(text, self._masks)
        beginning = mask(text[: left + LONGEST_SECRET], self._masks)[:left] if left else ""
        return beginning + f"… [cut: {len(text)} characters in all]"

    def _some(self, items: Iterable[Item]) -> Iterator[Item]:
        """Those for which there is room."""
        for item in items:
            if not self._left:
                return
            self._left = max(0, self._left - AROUND)
            yield item
