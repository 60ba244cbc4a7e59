"""What a surface asks of the pipeline, whatever wire it came over."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from gateway_app.content import ContentPolicy
from gateway_app.exceptions import Forbidden
from gateway_app.limits import Limits
from gateway_app.types import Message, Parameters

Surface = Literal["chat", "v1", "ws", "playground", "eval"]
OPEN: tuple[Surface, ...] = ("chat", "v1", "ws")
"""Where callers without a project are anonymous. On the others it is the gateway's own people who ask."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks."""

    project_id: int | None
    """None: anonymous, or one of our own people (`OPEN`)."""
    project: str
    key_id: str | None = None
    key_name: str | None = None
    scopes: frozenset[str] = frozenset()
    limits: Limits = field(default_factory=Limits)
    allowed_models: frozenset[str] = frozenset()
    """Empty: all."""
    allowed_prompts: frozenset[str] = frozenset()
    content: ContentPolicy = field(default_factory=ContentPolicy)

    def allows(self, scope: str) -> bool:
        return scope in self.scopes

    def require(self, scope: str) -> None:
        """Raises `Forbidden`."""
        if scope not in self.scopes:
            raise Forbidden(f"this key has no scope {scope}")

    def may_use(self, model: str) -> bool:
        return not self.allowed_models or model in self.allowed_models

    def require_model(self, model: str) -> None:
        """Raises `Forbidden`."""
        if not self.may_use(model):
            raise Forbidden(f"this key may not use the model {model}", param="model")

    def may_run(self, prompt: str) -> bool:
        return not self.allowed_prompts or prompt in self.allowed_prompts

    def require_prompt(self, prompt: str) -> None:
        """Raises `Forbidden`."""
        if not self.may_run(prompt):
            raise Forbidden(f"this key may not use the prompt {prompt}", param="prompt_name")


def cache_space(caller: Caller, surface: Surface) -> int:
    """Who shares kept replies: a project's keys; 0: anonymous callers; -1: our own people."""
    if caller.project_id is not None:
        return caller.project_id
    return 0 if surface in OPEN else -1


class CacheControl(msgspec.Struct, frozen=True, kw_only=True):
    """What a caller's `Cache-Control` asks for (RFC 9111, 5.2.1)."""

    read: bool = True
    write: bool = True
    max_age: int | None = None
    """Seconds; an older reply is not good enough."""

    @classmethod
    def parse(cls, header: str) -> "CacheControl":
        """Unknown directives are ignored, as the standard says."""
        if not header:
            return AS_USUAL
        directives = {part.strip().lower() for part in header.split(",")}
        age = next(
            (int(match[1]) for d in directives if (match := re.fullmatch(r"max-age=(\d{1,9})", d))), None
        )
        no_store = "no-store" in directives
        return cls(read=not (no_store or "no-cache" in directives), write=not no_store, max_age=age)


AS_USUAL = CacheControl()


class ChatRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One call. Either `messages` or a `prompt_name` with its variables."""

    request_id: str
    caller: Caller
    surface: Surface
    stream: bool
    messages: tuple[Message, ...] = ()
    prompt_name: str | None = None
    prompt_version: str | None = None
    allow_drafts: bool = False
    """`prompt_version` may be one that is not published yet."""
    variables: Mapping[str, Any] = msgspec.field(default_factory=dict)
    model: str | None = None
    parameters: Parameters = msgspec.field(default_factory=Parameters)
    """What the caller says; it wins over the prompt version."""
    defaults: Parameters = msgspec.field(default_factory=Parameters)
    """What holds where neither says anything."""
    session_id: str | None = None
    user: str | None = None
    cache: CacheControl = msgspec.field(default_factory=CacheControl)
    received: float | None = None
    """`time.perf_counter()` when the request came in."""

    @property
    def unit(self) -> str:
        """What a traffic split assigns to a version: the same unit always sees the same one."""
        return self.session_id or self.user or self.request_id
