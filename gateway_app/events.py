"""What the pipeline hands to a surface: a start, deltas, an end. A whole reply is the same, folded."""

from dataclasses import dataclass, field
from decimal import Decimal

import msgspec

from gateway_app.exceptions import ProviderBadReply
from gateway_app.limits import RateLimit
from gateway_app.types import CacheState, Chunk, Completion, FinishReason, ToolCall, Usage


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """Comes with the first word, so that a failure before it can still be a status code."""

    request_id: str
    model: str
    cache: CacheState
    waited: float
    """Seconds until now."""
    upstream: float
    """Seconds of them spent waiting for the vendor."""
    prompt_name: str | None = None
    prompt_version: str | None = None
    rate_limit: RateLimit | None = None


class Delta(msgspec.Struct, frozen=True, kw_only=True):
    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()


class End(msgspec.Struct, frozen=True, kw_only=True):
    usage: Usage
    finish_reason: FinishReason
    latency: float
    """Seconds in all."""
    upstream: float
    """Seconds of them spent waiting for the vendor."""
    cost_usd: Decimal | None
    """None: the model's price is not known."""


Event = Start | Delta | End


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A whole reply."""

    start: Start
    text: str
    tool_calls: tuple[ToolCall, ...]
    end: End


@dataclass(slots=True)
class Fold:
    """Collects an adapter's chunks into a `Completion`."""

    texts: list[str] = field(default_factory=list)
    tool_calls: list[ToolCall] = field(default_factory=list)
    usage: Usage | None = None
    finish_reason: FinishReason | None = None
    model: str | None = None

    def add(self, chunk: Chunk) -> None:
        self.texts.append(chunk.text)
        self.tool_calls.extend(chunk.tool_calls)
        self.usage = chunk.usage or self.usage
        self.finish_reason = chunk.finish_reason or self.finish_reason
        self.model = chunk.model or self.model

    def completion(self, *, asked: str) -> Completion:
        """Raises `ProviderBadReply` for a reply that never said why it ended."""
        if self.finish_reason is None:
            raise ProviderBadReply("the vendor's reply ended before it was finished")
        return Completion(
            text="".join(self.texts),
            tool_calls=tuple(self.tool_calls),
            finish_reason=self.finish_reason,
            usage=self.usage or Usage(),
            model=self.model or asked,
        )
