"""The value that every kind of answer comes to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A function that the model asks for."""

    name: str
    args: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Text or calls. The reasons are Google's names; nothing at all is a reply without candidates."""

    text: str = ""
    thoughts: str = ""
    thinking_tokens: int = 0
    calls: tuple[Call, ...] = ()
    finish_reason: str | None = "STOP"
    block_reason: str | None = None

    @property
    def is_candidate(self) -> bool:
        return bool(self.text or self.calls or self.finish_reason)
